//! Base URLs: https anywhere, plain http on this machine only.
//!
//! Must never: accept a URL that carries a password, or send a token in the clear over a network.

use reqwest::Url;

/// A base URL that is accepted.
pub(super) struct Base {
    /// The URL without a slash at its end.
    pub(super) url: String,
    /// The part after the host, without a slash at its end; empty when there is none.
    pub(super) path: String,
    /// Where it leads.
    pub(super) reach: Reach,
}

/// Whether a URL leads to this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// To a loopback address.
    Loopback,
    /// Anywhere else.
    Network,
}

/// Why a URL is not accepted: what was found, free of anything secret.
pub(super) fn base_url(text: &str) -> Result<Base, String> {
    let url = Url::parse(text).map_err(|e| format!("no URL ({e})"))?;
    let reach = match url.host_str() {
        Some(host) if is_loopback(host) => Reach::Loopback,
        Some(_) => Reach::Network,
        None => return Err("a URL without a host".to_owned()),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a URL with a user name or password in it".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("a URL with a query or fragment".to_owned());
    }
    match (url.scheme(), reach) {
        ("https", _) | ("http", Reach::Loopback) => {}
        ("http", Reach::Network) => {
            return Err("plain http to another machine, which would send tokens in the clear".to_owned());
        }
        (scheme, _) => return Err(format!("a URL with the scheme {scheme}")),
    }
    let path = url.path().trim_end_matches('/').to_owned();
    Ok(Base { url: url.as_str().trim_end_matches('/').to_owned(), path, reach })
}

pub(super) fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_is_for_this_machine_only() {
        for (text, expected) in [
            ("https://api.mypurecloud.com", "https://api.mypurecloud.com"),
            ("https://api.mypurecloud.com/", "https://api.mypurecloud.com"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://127.8.9.1:8080/", "http://127.8.9.1:8080"),
            ("http://localhost:1/login", "http://localhost:1/login"),
            ("http://[::1]:9", "http://[::1]:9"),
        ] {
            assert_eq!(base_url(text).ok().unwrap().url, expected);
        }
        for (text, found) in [
            ("api.mypurecloud.com", "no URL"),
            ("http://api.mypurecloud.com", "plain http"),
            ("http://127.0.0.1.evil.example", "plain http"),
            ("http://localhost.evil.example", "plain http"),
            ("ftp://127.0.0.1", "the scheme ftp"),
            ("data:text/plain,x", "without a host"),
            ("https://user:hush@api.example.com", "a user name or password"),
            ("https://127.0.0.1@evil.example", "a user name or password"),
            ("https://api.example.com/?token=hush", "a query"),
        ] {
            let error = base_url(text).err().unwrap();
            assert!(error.contains(found) && !error.contains("hush"), "{text}: {error}");
        }
    }
}
