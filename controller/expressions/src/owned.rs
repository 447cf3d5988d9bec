//! Values that outlive what they were computed of.

use std::collections::HashMap;

use cel::common::types::{
    CelBool, CelBytes, CelDouble, CelDuration, CelInt, CelList, CelMap, CelNull, CelOptional, CelString, CelTimestamp,
    CelUInt,
};
use cel::common::value::Val;

use crate::json::{from_json, to_json};
use crate::metadata::MetadataVal;
use crate::object::ObjectVal;

/// Returns a value of its own, with all that is in it.
///
/// # Errors
/// Says which type it has, if that is one of which nothing can be kept.
pub(crate) fn owned(value: &dyn Val) -> Result<Box<dyn Val>, String> {
    macro_rules! plain {
        ($($type:ty),+) => {$(
            if let Some(plain) = value.downcast_ref::<$type>() {
                return Ok(plain.clone_as_boxed());
            }
        )+};
    }
    plain!(ObjectVal, MetadataVal, CelNull, CelBool, CelInt, CelUInt, CelDouble, CelTimestamp, CelDuration);
    if let Some(text) = value.downcast_ref::<CelString<'_>>() {
        return Ok(Box::new(CelString::from(text.inner().to_owned())));
    }
    if let Some(bytes) = value.downcast_ref::<CelBytes<'_>>() {
        return Ok(Box::new(CelBytes::from(bytes.inner().to_vec())));
    }
    if let Some(list) = value.downcast_ref::<CelList<'_>>() {
        let items: Vec<_> = list.inner().iter().map(|item| owned(item.as_ref())).collect::<Result<_, _>>()?;
        return Ok(Box::new(CelList::from(items)));
    }
    if let Some(map) = value.downcast_ref::<CelMap<'_>>() {
        let entries = map.inner().iter().map(|(key, value)| Ok((key.clone().into_static(), owned(value.as_ref())?)));
        return Ok(Box::new(CelMap::from(entries.collect::<Result<HashMap<_, _>, String>>()?)));
    }
    if let Some(optional) = value.downcast_ref::<CelOptional<'_>>() {
        return match optional.option() {
            Some(value) => Ok(Box::new(CelOptional::of(owned(value)?))),
            None => Ok(Box::new(CelOptional::none())),
        };
    }
    to_json(value).map(|json| from_json(&json))
}
