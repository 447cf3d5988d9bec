//! What tells this process from others, for people.

/// Returns the name of the machine; in Kubernetes it is that of the pod.
pub(crate) fn host() -> String {
    let known = std::fs::read_to_string("/proc/sys/kernel/hostname").ok().or_else(|| std::env::var("HOSTNAME").ok());
    let known = known.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    known.unwrap_or_else(|| "unknown".to_owned())
}

/// Returns the machine and the number of this process on it: `pod-7/1`.
pub(crate) fn instance() -> String {
    format!("{}/{}", host(), std::process::id())
}
