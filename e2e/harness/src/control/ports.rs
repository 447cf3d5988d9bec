//! Free ports of the loopback interface.

use std::{io, net::TcpListener};

/// `N` ports that nobody listens on. They are held together, so that no two are the same, and given back on return:
/// somebody else may take one before it is used, which the caller has to bear.
pub(crate) fn free<const N: usize>() -> io::Result<[u16; N]> {
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
