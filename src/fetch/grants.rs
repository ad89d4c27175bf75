//! What a function may reach, and at which addresses.

use std::borrow::Cow;

use reqwest::Url;

use super::address::{Place, place};
use super::pattern::{Host, HostPattern};

/// The hosts of a manifest's `[permissions]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants {
    /// Hosts that may be reached at public addresses.
    pub net: Vec<HostPattern>,
    /// Hosts that may be reached at private addresses.
    pub private_net: Vec<HostPattern>,
}

/// The kinds of addresses at which a host may be reached. Each has connections of its own, so that one function never
/// gets a connection that only another one may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    Public,
    Private,
    Both,
}

impl Reach {
    pub const ALL: [Reach; 3] = [Reach::Public, Reach::Private, Reach::Both];

    pub fn allows(self, place: Place) -> bool {
        match place {
            Place::Public => self != Reach::Private,
            Place::Private => self != Reach::Public,
            Place::Nowhere => false,
        }
    }

    /// The key of the manifest that would allow what this does not.
    pub fn lacks(self) -> &'static str {
        if self == Reach::Public { "private-net" } else { "net" }
    }
}

/// Why a URL may not be fetched, in words for the handler's author.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The host and port that were refused, if it came to that.
    pub at: Option<String>,
    pub message: String,
}

impl Refusal {
    fn of_url(message: &str) -> Refusal {
        Refusal { at: None, message: message.to_owned() }
    }

    /// A host that leads only to addresses that it may not be reached at.
    pub fn of_addresses(at: &str, reach: Reach) -> Refusal {
        let (kind, key) = match reach {
            Reach::Public => ("a private address", reach.lacks()),
            _ => ("a public address", reach.lacks()),
        };
        Refusal {
            at: Some(at.to_owned()),
            message: format!(
                "{at:?} leads to {kind}; to allow it, add {at:?} to `{key}` in function.toml's [permissions]"
            ),
        }
    }
}

impl Grants {
    /// Where the URL's host may be reached, if the function may fetch it at all.
    pub fn reach(&self, url: &Url) -> Result<Reach, Refusal> {
        let usual = match url.scheme() {
            "http" => 80,
            "https" => 443,
            _ => return Err(Refusal::of_url("only http: and https: URLs can be fetched")),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refusal::of_url("a URL with a user's name or password in it cannot be fetched; send a header"));
        }
        let Some(host) = Host::of(url) else {
            return Err(Refusal::of_url("a URL without a host cannot be fetched"));
        };
        let port = url.port().unwrap_or(usual);
        if port == 0 {
            return Err(Refusal::of_url("port 0 cannot be fetched from"));
        }
        let any = |patterns: &[HostPattern]| patterns.iter().any(|pattern| pattern.matches(&host, port, usual));
        let reach = match (any(&self.net), any(&self.private_net)) {
            (true, true) => Reach::Both,
            (true, false) => Reach::Public,
            (false, true) => Reach::Private,
            (false, false) => return Err(not_listed(url, &host)),
        };
        match host {
            // Names are looked at when they are resolved, addresses are not resolved.
            Host::Address(address) if !reach.allows(place(address)) => Err(match place(address) {
                Place::Nowhere => nowhere(url),
                _ => Refusal::of_addresses(&at(url), reach),
            }),
            _ => Ok(reach),
        }
    }
}

/// Characters of a name that are shown. Real ones of hosts are hardly longer.
const SHOWN: usize = 200;

/// A name as messages and the log may show it.
pub fn cut(name: &str) -> Cow<'_, str> {
    match name.char_indices().nth(SHOWN) {
        Some((end, _)) => Cow::Owned(format!("{}…", &name[..end])),
        None => Cow::Borrowed(name),
    }
}

/// The host, as far as it is shown, and, unless it is the scheme's usual one, the port.
pub fn at(url: &Url) -> String {
    let host = cut(url.host_str().unwrap_or_default());
    url.port().map_or_else(|| host.to_string(), |port| format!("{host}:{port}"))
}

fn nowhere(url: &Url) -> Refusal {
    let at = at(url);
    let message = format!("{at:?} is not the address of a host");
    Refusal { at: Some(at), message }
}

fn not_listed(url: &Url, host: &Host) -> Refusal {
    let at = at(url);
    let key = match host {
        Host::Address(address) => match place(*address) {
            Place::Public => "net",
            Place::Private => "private-net",
            Place::Nowhere => return nowhere(url),
        },
        Host::Name(_) => "net",
    };
    let message = format!("{at:?} is not allowed; to allow it, add {at:?} to `{key}` in function.toml's [permissions]");
    Refusal { at: Some(at), message }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants(net: &[&str], private_net: &[&str]) -> Grants {
        let parse = |all: &[&str]| all.iter().map(|one| HostPattern::parse(one).expect(one)).collect();
        Grants { net: parse(net), private_net: parse(private_net) }
    }

    fn reach(grants: &Grants, url: &str) -> Result<Reach, String> {
        grants.reach(&Url::parse(url).expect(url)).map_err(|refusal| refusal.message)
    }

    #[test]
    fn a_host_is_reached_only_as_its_list_says() {
        let grants = grants(&["a.example", "both.example"], &["b.example:81", "both.example"]);
        assert_eq!(reach(&grants, "https://a.example/"), Ok(Reach::Public));
        assert_eq!(reach(&grants, "http://b.example:81/"), Ok(Reach::Private));
        assert_eq!(reach(&grants, "http://both.example/"), Ok(Reach::Both));
        let refused = reach(&grants, "http://b.example/").unwrap_err();
        assert!(refused.contains("\"b.example\"") && refused.contains("`net`"), "{refused}");
    }

    #[test]
    fn an_address_is_refused_in_every_spelling_unless_its_own_list_names_it() {
        let public = grants(&["127.0.0.1", "[::ffff:127.0.0.1]", "[fd00::1]"], &[]);
        for url in
            ["http://127.0.0.1/", "http://127.1/", "http://0x7f000001/", "http://[::ffff:7f00:1]/", "http://[fd00::1]/"]
        {
            let refused = reach(&public, url).unwrap_err();
            assert!(refused.contains("private-net"), "{url}: {refused}");
        }
        let private = grants(&[], &["127.0.0.1", "8.8.8.8", "0.0.0.0", "[ff02::1]"]);
        assert_eq!(reach(&private, "http://0177.1/"), Ok(Reach::Private));
        assert!(reach(&private, "http://8.8.8.8/").unwrap_err().contains("`net`"));
        for url in ["http://0/", "http://[ff02::1]/", "http://[::]/"] {
            assert!(reach(&private, url).unwrap_err().contains("not the address of a host"), "{url}");
        }
    }

    #[test]
    fn of_a_host_without_end_a_message_shows_the_beginning() {
        let host = "x".repeat(16_000);
        let refusal = grants(&[], &[]).reach(&Url::parse(&format!("http://{host}:81/")).unwrap()).unwrap_err();
        let (at, message) = (refusal.at.unwrap(), refusal.message);
        assert_eq!(at, format!("{}…:81", &host[..200]));
        assert!(message.contains(&at) && message.len() < 600, "{message}");
        let longest = ["x".repeat(63).as_str(); 3].join(".");
        assert_eq!(cut(&longest), longest);
    }

    #[test]
    fn other_schemes_and_credentials_in_a_url_are_refused() {
        let grants = grants(&["a.example"], &[]);
        for url in [
            "file:///etc/passwd",
            "ftp://a.example/",
            "ws://a.example/",
            "data:,x",
            "http://u@a.example/",
            "http://:p@a.example/",
        ] {
            assert!(reach(&grants, url).is_err(), "{url}");
        }
    }
}
