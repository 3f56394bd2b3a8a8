//! Checks that both kinds of file share.

use std::net::IpAddr;

use ipnet::IpNet;

use super::reader::Problem;

/// A network (`10.0.0.0/8`), or a single address, which is a network of one.
pub(super) fn network(text: String) -> Result<IpNet, Problem> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(IpNet::from(address));
    }
    match text.parse::<IpNet>() {
        Ok(network) if network.trunc() == network => Ok(network),
        Ok(network) => {
            let (address, whole) = (network.addr(), network.trunc());
            Err(format!("has an address inside its network; write \"{whole}\" or \"{address}\"").into())
        }
        Err(_) => Err("is no network; write one such as \"10.0.0.0/8\" or \"192.0.2.7\"".into()),
    }
}
