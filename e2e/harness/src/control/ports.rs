//! Free ports of the loopback interface.

use std::{io, net::TcpListener};

/// Returns `N` different ports that are free. They are released before this function returns, so another process may
/// take one before it is used: the caller has to expect that.
///
/// # Errors
/// When the system has none.
pub fn free<const N: usize>() -> io::Result<[u16; N]> {
    let mut held = Vec::with_capacity(N);
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        *port = listener.local_addr()?.port();
        held.push(listener);
    }
    Ok(ports)
}

#[cfg(test)]
mod tests {
    #[test]
    fn they_differ_and_can_be_used() {
        let ports = super::free::<3>().unwrap();
        assert!(ports[0] != ports[1] && ports[1] != ports[2] && ports[0] != ports[2]);
        std::net::TcpListener::bind(("127.0.0.1", ports[0])).unwrap();
    }
}
