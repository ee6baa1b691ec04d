//! The address of the last start, as its configuration has it: adapters were given it, so a next start keeps it if it can.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;

/// Any port of this machine that is free.
pub(super) const ANY: &str = "127.0.0.1:-1";

/// Where clients found the server at its last start, `127.0.0.1:PORT`; none if it was never ready, or listened elsewhere
/// than on this machine alone.
pub(super) fn of_last_start(config: &Path) -> Option<String> {
    let text = std::fs::read_to_string(config).ok()?;
    let listen = text.lines().find_map(|line| line.strip_prefix("listen: \"")?.strip_suffix('"'))?;
    let address: SocketAddr = listen.parse().ok()?;
    (address.ip().is_loopback() && address.port() > 0).then(|| listen.to_owned())
}

/// Whether nobody listens there.
pub(super) fn is_free(listen: &str) -> bool {
    TcpListener::bind(listen).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_address_of_this_machine_that_was_served_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("nats.conf");
        assert_eq!(of_last_start(&config), None);
        for (listen, kept) in
            [("127.0.0.1:4222", true), (ANY, false), ("0.0.0.0:4222", false), ("127.0.0.1:0", false), ("x", false)]
        {
            std::fs::write(&config, format!("# A comment\nlisten: \"{listen}\"\nhttp: \"127.0.0.1:8222\"\n")).unwrap();
            assert_eq!(of_last_start(&config), kept.then(|| listen.to_owned()));
        }
    }
}
