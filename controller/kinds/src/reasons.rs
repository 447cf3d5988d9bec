//! The reasons of the conditions of these objects, as docs/conditions.md lists them.

/// It works as it is.
pub const ACCEPTED: &str = "Accepted";
/// Models have errors.
pub const MODELS_INVALID: &str = "ModelsInvalid";
/// Properties have errors, or do not fit the models.
pub const PROPERTIES_INVALID: &str = "PropertiesInvalid";
/// A step or policy has errors, or does not fit the models.
pub const DOCUMENT_INVALID: &str = "DocumentInvalid";
/// A set uses one that is not there, or not accepted.
pub const USES_UNKNOWN_SET: &str = "UsesUnknownSet";
/// The dependency graph of a set does not fit the models.
pub const DEPENDENCIES_INVALID: &str = "DependenciesInvalid";
/// Others, which have not changed, would not fit any more.
pub const BREAKS_OTHERS: &str = "BreaksOthers";
/// Definitions would break stored objects.
pub const DEFINITIONS_REFUSED: &str = "DefinitionsRefused";
/// The synchronizer lacks rights for the kinds.
pub const MISSING_RIGHTS: &str = "MissingRights";
/// It fits, and does not work.
pub const NOT_TAKEN_UP: &str = "NotTakenUp";
/// The definitions of a set are applied.
pub const ESTABLISHED: &str = "Established";
/// No generation of a set was accepted.
pub const NOTHING_ACCEPTED: &str = "NothingAccepted";
/// There are objects of a set's models.
pub const IN_USE: &str = "InUse";
/// There are none.
pub const NO_OBJECTS: &str = "NoObjects";
/// They were not counted yet.
pub const NOT_COUNTED: &str = "NotCounted";
/// A deletion waits because there are objects.
pub const OBJECTS_EXIST: &str = "ObjectsExist";
/// A deletion waits because others use the set.
pub const USED_BY_OTHERS: &str = "UsedByOthers";
/// The objects of a deleted set are being deleted.
pub const DELETING_OBJECTS: &str = "DeletingObjects";
/// A deleted set is taken out of what works.
pub const UNLOADING: &str = "Unloading";
/// Something went wrong with the deletion of a set.
pub const UNLOAD_FAILED: &str = "UnloadFailed";
