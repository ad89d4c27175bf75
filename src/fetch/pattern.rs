//! The hosts that a manifest allows: one host or the subdomains of one, at one port.

use std::fmt;
use std::net::IpAddr;

use reqwest::Url;

use super::address::{Place, place};

/// Longest name that the domain name system knows, in characters.
const MAX_NAME: usize = 253;

/// A host of `[permissions]`, checked and in the spelling that URLs are brought to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPattern {
    name: Name,
    /// `None`: the usual port of the URL's scheme.
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Name {
    Host(String),
    Address(IpAddr),
    /// Every name that ends in a dot and this.
    Below(String),
}

/// Why a text is no pattern, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadPattern {
    pub reason: &'static str,
    pub hint: &'static str,
}

/// A host as a URL names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    Name(String),
    Address(IpAddr),
}

impl Host {
    /// The host of a URL, however it was spelled: the parser has brought it to one form.
    pub fn of(url: &Url) -> Option<Host> {
        let text = url.host_str()?;
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        Some(match bare.parse() {
            Ok(address) => Host::Address(address),
            // A name may end in the dot of the root without meaning another host.
            Err(_) => Host::Name(text.strip_suffix('.').unwrap_or(text).to_owned()),
        })
    }
}

const FORM: &str = "write a host with or without a port: \"api.example.com\", \"*.example.com:8443\", \"[::1]:8080\"";

fn bad<T>(reason: &'static str, hint: &'static str) -> Result<T, BadPattern> {
    Err(BadPattern { reason, hint })
}

impl HostPattern {
    pub fn parse(text: &str) -> Result<HostPattern, BadPattern> {
        if text.is_empty() {
            return bad("it is empty", FORM);
        }
        if text.contains("://") {
            return bad("it is a URL and not a host", "leave out what is before and behind the host and its port");
        }
        if text.contains(|it: char| it.is_whitespace() || it.is_control() || "/\\?#@%,".contains(it)) {
            return bad("it has characters that a host cannot have", FORM);
        }
        let (host, port) = split(text)?;
        let (below, host) = match host.strip_prefix("*.") {
            Some(rest) => (true, rest),
            None => (false, host),
        };
        if host.contains('*') {
            return bad(
                "a wildcard stands only for the subdomains of a host",
                "write \"*.example.com\"; a host itself and other hosts are named one by one",
            );
        }
        let name = match (canonical(host)?, below) {
            (Host::Address(_), true) => return bad("an address has no subdomains", "name the address without \"*.\""),
            (Host::Address(address), false) => Name::Address(address),
            (Host::Name(name), true) => Name::Below(name),
            (Host::Name(name), false) => Name::Host(name),
        };
        Ok(HostPattern { name, port })
    }

    /// Where the pattern's address leads; `None` for names, which say it only when they are resolved.
    pub fn place(&self) -> Option<Place> {
        match self.name {
            Name::Address(address) => Some(place(address)),
            Name::Host(_) | Name::Below(_) => None,
        }
    }

    /// Whether it stands for this host at `port`, where `usual` is the usual port of the URL's scheme.
    pub fn matches(&self, host: &Host, port: u16, usual: u16) -> bool {
        self.port.unwrap_or(usual) == port && self.names(host)
    }

    fn names(&self, host: &Host) -> bool {
        match (&self.name, host) {
            (Name::Host(name), Host::Name(host)) => name == host,
            (Name::Address(name), Host::Address(host)) => name == host,
            (Name::Below(name), Host::Name(host)) => {
                host.strip_suffix(name.as_str()).is_some_and(|sub| sub.len() > 1 && sub.ends_with('.'))
            }
            _ => false,
        }
    }
}

/// Takes the port off. An address of IPv6 with a port stands in brackets, as in a URL.
fn split(text: &str) -> Result<(&str, Option<u16>), BadPattern> {
    if text.parse::<std::net::Ipv6Addr>().is_ok() {
        return Ok((text, None));
    }
    let (host, port) = match text.rfind(']') {
        Some(end) => text.split_at(end + 1),
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    if port.is_empty() {
        return Ok((host, None));
    }
    // `parse` would take a sign.
    let digits = port.strip_prefix(':').filter(|port| port.bytes().all(|it| it.is_ascii_digit()));
    match digits.and_then(|port| port.parse().ok()) {
        Some(0) | None => bad("its port is no number from 1 to 65535", FORM),
        port => Ok((host, port)),
    }
}

/// Has the URL parser bring a host to its one form: lower case, punycode, addresses in full.
fn canonical(host: &str) -> Result<Host, BadPattern> {
    let bracketed = if host.parse::<std::net::Ipv6Addr>().is_ok() { format!("[{host}]") } else { host.to_owned() };
    let url = Url::parse(&format!("http://{bracketed}/")).ok();
    let is_name = |name: &str| {
        let letter = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'_');
        name.len() <= MAX_NAME && name.split('.').all(|label| matches!(label.len(), 1..64) && label.bytes().all(letter))
    };
    match url.as_ref().and_then(Host::of) {
        Some(Host::Name(name)) if !is_name(&name) => bad("it is no host name", FORM),
        Some(host) => Ok(host),
        None => bad("it is neither a host name nor an address", FORM),
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Name::Host(name) => formatter.write_str(name)?,
            Name::Address(IpAddr::V4(address)) => write!(formatter, "{address}")?,
            Name::Address(IpAddr::V6(address)) => write!(formatter, "[{address}]")?,
            Name::Below(name) => write!(formatter, "*.{name}")?,
        }
        self.port.map_or(Ok(()), |port| write!(formatter, ":{port}"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matches(pattern: &str, url: &str) -> bool {
        let url = Url::parse(url).expect(url);
        let usual = if url.scheme() == "https" { 443 } else { 80 };
        let port = url.port_or_known_default().expect("a port");
        HostPattern::parse(pattern).expect(pattern).matches(&Host::of(&url).expect("a host"), port, usual)
    }

    #[test]
    fn a_pattern_stands_for_its_host_at_its_port() {
        for (pattern, url) in [
            ("api.example.com", "https://api.example.com/a?b"),
            ("api.example.com", "http://api.example.com/"),
            ("api.example.com", "https://API.Example.COM./"),
            ("API.example.com.", "https://api.example.com/"),
            ("api.example.com:8443", "https://api.example.com:8443/"),
            ("api.example.com:443", "https://api.example.com/"),
            ("api.example.com:8443", "http://api.example.com:8443/"),
            ("*.example.com", "https://a.example.com/"),
            ("*.example.com:8443", "https://a.b.example.com:8443/"),
            ("bücher.example", "https://xn--bcher-kva.example/"),
            ("xn--bcher-kva.example", "https://B\u{fc}cher.example/"),
            ("*.bücher.example", "https://a.b\u{fc}cher.example/"),
            ("127.0.0.1:80", "http://127.0.0.1/"),
            ("127.0.0.1", "http://0x7f.1/"),
            ("127.0.0.1", "http://2130706433/"),
            ("127.0.0.1", "http://0177.0.0.01/"),
            ("::1", "http://[0:0:0:0:0:0:0:1]/"),
            ("[::1]:8080", "http://[::1]:8080/"),
            ("localhost:9000", "http://localhost:9000/"),
            ("my_service:9000", "http://my_service:9000/"),
        ] {
            assert!(matches(pattern, url), "{pattern} {url}");
        }
    }

    #[test]
    fn a_pattern_stands_for_nothing_else() {
        for (pattern, url) in [
            ("api.example.com", "https://api.example.com:8443/"),
            ("api.example.com", "http://api.example.com:443/"),
            ("api.example.com:8443", "https://api.example.com/"),
            ("api.example.com", "https://example.com/"),
            ("api.example.com", "https://a.api.example.com/"),
            ("api.example.com", "https://xapi.example.com/"),
            ("api.example.com", "https://api.example.com.evil.example/"),
            ("*.example.com", "https://example.com/"),
            ("*.example.com", "https://badexample.com/"),
            ("*.example.com", "https://a.example.com:8443/"),
            ("*.0.0.1x", "http://127.0.0.1/"),
            ("127.0.0.1", "http://127.0.0.2/"),
            ("127.0.0.1", "http://[::ffff:127.0.0.1]/"),
            ("localhost", "http://127.0.0.1/"),
        ] {
            assert!(!matches(pattern, url), "{pattern} {url}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused_with_a_reason() {
        for bad in [
            "",
            "*",
            "*:80",
            "*.",
            "**.example.com",
            "a.*.example.com",
            "*example.com",
            "https://example.com",
            "example.com/path",
            "user@example.com",
            "example.com:",
            "example.com:0",
            "example.com:65536",
            "example.com:+80",
            "example.com:80:80",
            "exa mple.com",
            "example..com",
            ".example.com",
            "a,b",
            "[::1",
            "::1]:80",
            "[::1]80",
            "*.127.0.0.1",
            "*.[::1]",
            "ex%61mple.com",
            "256.0.0.1",
            "1.2.3.4.5",
            "exam\u{0}ple.com",
            "fe80::1:80000",
        ] {
            assert!(HostPattern::parse(bad).is_err(), "{bad}");
        }
        let long = format!("{}.example", "a".repeat(64));
        assert!(HostPattern::parse(&long).is_err());
    }

    proptest! {
        #[test]
        fn a_pattern_is_read_back_as_it_is_shown(text in "(\\*\\.)?[a-zA-Z0-9_.:\\[\\]-]{1,20}(:[0-9]{1,5})?") {
            if let Ok(pattern) = HostPattern::parse(&text) {
                prop_assert_eq!(HostPattern::parse(&pattern.to_string()), Ok(pattern));
            }
        }

        #[test]
        fn arbitrary_text_never_panics(text in any::<String>()) {
            let _ = HostPattern::parse(&text);
        }
    }
}
