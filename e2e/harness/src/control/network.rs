//! The addresses of a control plane: this machine's own, or those of a node's network.

use std::net::{IpAddr, Ipv4Addr};

use crate::node::Addresses;

/// Where the API server listens, and which addresses Services have.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Network {
    /// The addresses of the node, if there is one.
    pub(super) node: Option<Addresses>,
}

impl Network {
    /// The address at which the API server listens. A node does not reach the loopback interface.
    pub(super) fn listen(&self) -> IpAddr {
        self.node.map_or(Ipv4Addr::LOCALHOST, Addresses::host).into()
    }

    /// The addresses of Services. Without a node none of them is ever reached.
    pub(super) fn services(&self) -> String {
        self.node.map_or_else(|| "10.0.0.0/24".to_owned(), Addresses::services)
    }

    /// The API server's own address among them: the first.
    pub(super) fn service(&self) -> IpAddr {
        self.node.map_or(Ipv4Addr::new(10, 0, 0, 1), Addresses::api_service).into()
    }
}
