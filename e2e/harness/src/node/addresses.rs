//! The addresses of a node, its pods and its Services.

use std::net::Ipv4Addr;

/// How many nodes this machine can have at once.
pub(crate) const NODES: u8 = 64;

/// The addresses of one node. They are of 198.18.0.0/15, which is set aside for tests of network devices (RFC 2544): no
/// network that this machine may have to reach uses them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Addresses {
    index: u8,
}

impl Addresses {
    /// Returns the addresses of node `index`, which is less than [`NODES`].
    pub(crate) const fn of(index: u8) -> Self {
        Self { index }
    }

    /// This machine, as the node sees it.
    pub(crate) const fn host(self) -> Ipv4Addr {
        Ipv4Addr::new(198, 18, self.index, 1)
    }

    /// The node.
    pub(crate) const fn node(self) -> Ipv4Addr {
        Ipv4Addr::new(198, 18, self.index, 2)
    }

    /// The addresses of pods.
    pub(crate) fn pods(self) -> String {
        format!("198.18.{}.0/24", 128 + self.index)
    }

    /// The addresses of Services.
    pub(crate) fn services(self) -> String {
        format!("198.19.{}.0/24", self.index)
    }

    /// The address of the Service `kubernetes`: the first of the range.
    pub(crate) const fn api_service(self) -> Ipv4Addr {
        Ipv4Addr::new(198, 19, self.index, 1)
    }

    /// The network interface of this machine that leads to the node.
    pub(crate) fn interface(self) -> String {
        format!("xos-node{}", self.index)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn nodes_share_no_address() {
        let mut networks = BTreeSet::new();
        for addresses in (0..NODES).map(Addresses::of) {
            let link = addresses.host().octets();
            assert_eq!(link[..3], addresses.node().octets()[..3]);
            let link = format!("{}.{}.{}.0/24", link[0], link[1], link[2]);
            for network in [link, addresses.pods(), addresses.services()] {
                assert!(networks.insert(network.clone()), "{network}");
            }
            assert!(addresses.interface().len() < 16, "Linux takes no longer name");
        }
    }

    #[test]
    fn the_api_server_has_the_first_address_of_services() {
        let addresses = Addresses::of(3);
        assert_eq!(addresses.services(), "198.19.3.0/24");
        assert_eq!(addresses.api_service().to_string(), "198.19.3.1");
    }
}
