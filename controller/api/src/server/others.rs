//! The services that are the same for all models.

use tonic::{Request, Response, Status};
use xos_grpc::messages::schema::Schemas;
use xos_grpc::messages::schema::schema_service_server::SchemaService;
use xos_grpc::messages::xos::dynamicload_server::Dynamicload;
use xos_grpc::messages::xos::utility_server::Utility;
use xos_grpc::messages::xos::{
    DatabaseInfo, Id, ListConvenienceMethodsReply, LoadModelsReply, LoadModelsRequest, LoadStatusReply, LoginRequest,
    LoginResponse, ModelFilter, ModelList, PopulatedServiceInstance, UnloadModelsRequest, VersionInfo, XProtos,
    database_info,
};

use crate::caller::Caller;
use crate::core::Core;
use crate::error::ApiError;
use crate::gate::Gate;
use crate::loading::{Loading, XOS};

use super::connections::Connections;

#[derive(Clone)]
pub(super) struct Others {
    pub(super) core: Core,
    pub(super) gate: Gate,
    pub(super) loading: Loading,
    pub(super) connections: Connections,
}

impl Others {
    fn caller<T>(&self, request: &Request<T>) -> Result<Caller, ApiError> {
        Ok(Caller::of(self.gate.user(request.metadata())?, request.metadata()))
    }

    /// Returns the caller of what only administrators may do.
    fn administrator<T>(&self, request: &Request<T>) -> Result<Caller, ApiError> {
        let caller = self.caller(request)?;
        self.core.only_administrators(&caller)?;
        Ok(caller)
    }
}

type Answer<T> = Result<Response<T>, Status>;

fn unserved<T>(what: &str) -> Answer<T> {
    Err(ApiError::Unimplemented(format!("{what} is not served by this version")).into())
}

#[tonic::async_trait]
impl SchemaService for Others {
    async fn get_schema(&self, request: Request<()>) -> Answer<Schemas> {
        self.connections.saw(request.remote_addr(), &self.core.served().models);
        let core = self.core.clone();
        // To compile all models takes a while.
        let schemas = tokio::task::spawn_blocking(move || core.served().schema().map(|schema| schema.schemas.clone()));
        let schemas = schemas.await.map_err(|error| Status::internal(error.to_string()))?;
        schemas.map(Response::new).ok_or_else(|| Status::internal("these models have no API: the log says why"))
    }
}

#[tonic::async_trait]
impl Utility for Others {
    async fn login(&self, _: Request<LoginRequest>) -> Answer<LoginResponse> {
        unserved("Login")
    }

    async fn logout(&self, _: Request<()>) -> Answer<()> {
        Ok(Response::new(()))
    }

    /// The original's synchronizers call it again and again while they wait for models, and connect anew when it fails.
    async fn no_op(&self, request: Request<()>) -> Answer<()> {
        if self.connections.is_outdated(request.remote_addr(), &self.core.served().models) {
            return Err(Status::unavailable("the models have changed: connect again"));
        }
        Ok(Response::new(()))
    }

    async fn authenticated_no_op(&self, request: Request<()>) -> Answer<()> {
        self.gate.user(request.metadata())?;
        Ok(Response::new(()))
    }

    async fn set_dirty_models(&self, request: Request<ModelFilter>) -> Answer<ModelList> {
        let caller = self.administrator(&request)?;
        Ok(Response::new(self.core.make_dirty(&caller, &request.into_inner().class_name).await?))
    }

    async fn list_dirty_models(&self, request: Request<ModelFilter>) -> Answer<ModelList> {
        let caller = self.caller(&request)?;
        Ok(Response::new(self.core.dirty(&caller, &request.into_inner().class_name)?))
    }

    async fn get_xproto(&self, _: Request<()>) -> Answer<XProtos> {
        unserved("GetXproto")
    }

    async fn get_populated_service_instances(&self, _: Request<Id>) -> Answer<PopulatedServiceInstance> {
        unserved("GetPopulatedServiceInstances")
    }

    async fn get_version(&self, _: Request<()>) -> Answer<VersionInfo> {
        let (os, arch) = (std::env::consts::OS.to_owned(), std::env::consts::ARCH.to_owned());
        Ok(Response::new(VersionInfo { version: XOS.to_owned(), os, arch, ..VersionInfo::default() }))
    }

    async fn get_database_info(&self, _: Request<()>) -> Answer<DatabaseInfo> {
        let status = database_info::DatabaseStatus::Operational.into();
        Ok(Response::new(DatabaseInfo { name: "kubernetes".to_owned(), status, ..DatabaseInfo::default() }))
    }
}

#[tonic::async_trait]
impl Dynamicload for Others {
    async fn load_models(&self, request: Request<LoadModelsRequest>) -> Answer<LoadModelsReply> {
        let caller = self.administrator(&request)?;
        let status = self.loading.load(&caller, request.into_inner()).await?.into();
        Ok(Response::new(LoadModelsReply { status }))
    }

    async fn unload_models(&self, request: Request<UnloadModelsRequest>) -> Answer<LoadModelsReply> {
        let caller = self.administrator(&request)?;
        let status = self.loading.unload(&caller, request.into_inner()).await?.into();
        Ok(Response::new(LoadModelsReply { status }))
    }

    async fn get_load_status(&self, request: Request<()>) -> Answer<LoadStatusReply> {
        self.caller(&request)?;
        Ok(Response::new(self.loading.status().await?))
    }

    /// The original's client asks for them before anything else.
    async fn get_convenience_methods(&self, _: Request<()>) -> Answer<ListConvenienceMethodsReply> {
        Ok(Response::new(ListConvenienceMethodsReply::default()))
    }
}
