//! Where an organisation is reached: the API and login hosts of its region (API.md section 1), or hosts given outright.
//!
//! Must never: let a token or a secret travel over plain HTTP to another machine.

use std::net::IpAddr;

use reqwest::Url;

/// The two hosts of an organisation, as `scheme://host[:port]` without a slash at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hosts {
    /// Serves `/api/v2`.
    pub api: String,
    /// Serves `/oauth/token`.
    pub login: String,
}

/// The regions of the platform and their domains (API.md section 1, from the SDK's `purecloud_region_hosts.py`).
pub const REGIONS: [(&str, &str); 18] = [
    ("us_east_1", "mypurecloud.com"),
    ("us_west_2", "usw2.pure.cloud"),
    ("us_east_2", "use2.us-gov-pure.cloud"),
    ("ca_central_1", "cac1.pure.cloud"),
    ("mx_central_1", "mxc1.pure.cloud"),
    ("sa_east_1", "sae1.pure.cloud"),
    ("eu_west_1", "mypurecloud.ie"),
    ("eu_west_2", "euw2.pure.cloud"),
    ("eu_central_1", "mypurecloud.de"),
    ("eu_central_2", "euc2.pure.cloud"),
    ("eusc_de_east_1", "edee1.eusc-pure.cloud"),
    ("me_central_1", "mec1.pure.cloud"),
    ("ap_southeast_2", "mypurecloud.com.au"),
    ("ap_northeast_1", "mypurecloud.jp"),
    ("ap_northeast_2", "apne2.pure.cloud"),
    ("ap_northeast_3", "apne3.pure.cloud"),
    ("ap_south_1", "aps1.pure.cloud"),
    ("ap_southeast_1", "apse1.pure.cloud"),
];

/// A host that cannot be used, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadHost {
    /// Not an address, or one with more than a host and a port.
    #[error("{0:?} is not an address of the form https://host or https://host:port")]
    Malformed(String),
    /// Plain HTTP to a host that is not this machine.
    #[error("{0:?} would send tokens over plain HTTP; that is accepted for 127.0.0.1, [::1] and localhost only")]
    Plain(String),
}

impl Hosts {
    /// The hosts of a region, by its name (`us_east_1`, also `us-east-1`) or its domain (`mypurecloud.com`); `None` for
    /// a name that no region has.
    #[must_use]
    pub fn of_region(name: &str) -> Option<Hosts> {
        let plain = name.trim().to_ascii_lowercase();
        let region = plain.replace('-', "_");
        let (_, domain) = REGIONS.iter().find(|(known, domain)| *known == region || *domain == plain)?;
        Some(Hosts { api: format!("https://api.{domain}"), login: format!("https://login.{domain}") })
    }
    /// Hosts given outright; plain HTTP is accepted for this machine only.
    ///
    /// # Errors
    /// [`BadHost`] when either is not an address, carries a path, a query or credentials, or is plain HTTP to elsewhere.
    pub fn given(api: &str, login: &str) -> Result<Hosts, BadHost> {
        Ok(Hosts { api: bare(api)?, login: bare(login)? })
    }
}

fn bare(text: &str) -> Result<String, BadHost> {
    let shown = || text.chars().take(80).collect::<String>();
    let url = Url::parse(text.trim()).map_err(|_| BadHost::Malformed(shown()))?;
    let decorated = !url.username().is_empty() || url.password().is_some();
    if decorated {
        // What stands before an @ may be a password, so it is not shown.
        return Err(BadHost::Malformed("(an address with credentials)".to_owned()));
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() || url.host_str().is_none() {
        return Err(BadHost::Malformed(shown()));
    }
    if !is_private(&url) {
        return Err(BadHost::Plain(shown()));
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// Whether what is sent to `url` stays between this machine and that host: TLS, or the loopback.
#[must_use]
pub fn is_private(url: &Url) -> bool {
    match url.scheme() {
        "https" => url.host_str().is_some(),
        "http" => is_loopback(url),
        _ => false,
    }
}

/// Whether `url` names this machine.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let ip = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_are_found_by_name_and_by_domain() {
        let east = Hosts::of_region("us_east_1").unwrap();
        assert_eq!(east.api, "https://api.mypurecloud.com");
        assert_eq!(east.login, "https://login.mypurecloud.com");
        assert_eq!(Hosts::of_region(" US-East-1 "), Some(east.clone()));
        assert_eq!(Hosts::of_region("mypurecloud.com"), Some(east));
        assert_eq!(Hosts::of_region("us_midwest"), None);
    }

    #[test]
    fn plain_http_is_for_this_machine_only() {
        for good in ["http://127.0.0.1:8080", "http://localhost:1/", "http://[::1]:9", "https://api.example.org"] {
            let hosts = Hosts::given(good, good).unwrap();
            assert_eq!(hosts.api, good.trim_end_matches('/'));
        }
        for plain in ["http://api.mypurecloud.com", "http://127.0.0.1.example.org", "http://localhost.example.org"] {
            assert!(matches!(Hosts::given(plain, plain), Err(BadHost::Plain(_))), "{plain}");
        }
        for bad in ["", "api.mypurecloud.com", "https://h/path", "https://h?q=1", "https://h#f", "https://"] {
            assert!(matches!(Hosts::given(bad, bad), Err(BadHost::Malformed(_))), "{bad}");
        }
        assert!(matches!(Hosts::given("ftp://127.0.0.1", "https://h"), Err(BadHost::Plain(_))));
    }

    #[test]
    fn a_password_in_an_address_is_not_shown() {
        let refused = Hosts::given("https://me:hunter2@h", "https://h").unwrap_err();
        assert!(!refused.to_string().contains("hunter2"));
    }
}
