//! Whom a trusted proxy says that it has let in.
//!
//! Must never: believe the header of anybody but the proxy, or one of two headers.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderName};

/// The longest address that is read, in bytes (RFC 5321: 254, and a little).
const MAIL_BYTES_MAX: usize = 320;

/// The mail address in the proxy's header, in lower case; `None` unless the request comes from the proxy itself and names
/// exactly one.
pub(super) fn mail_from(header: &HeaderName, from: &[IpAddr], peer: SocketAddr, headers: &HeaderMap) -> Option<String> {
    if !from.contains(&peer.ip().to_canonical()) {
        return None;
    }
    let mut values = headers.get_all(header).iter();
    let (value, none) = (values.next()?, values.next());
    let mail = value.to_str().ok()?.trim();
    (none.is_none() && is_mail(mail)).then(|| mail.to_lowercase())
}

/// Whether a text can be a mail address: enough to keep lists and line breaks out of the journal.
pub(super) fn is_mail(text: &str) -> bool {
    let parts = text.split_once('@').filter(|(name, host)| !name.is_empty() && !host.is_empty());
    let plain =
        |c: char| c.is_ascii_graphic() && !matches!(c, ',' | ';' | '<' | '>' | '"' | '*') || c.is_alphanumeric();
    text.len() <= MAIL_BYTES_MAX && text.chars().all(plain) && parts.is_some_and(|(_, host)| !host.contains('@'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_proxy_is_believed_and_only_about_one_person() {
        let header = HeaderName::from_static("x-forwarded-email");
        let proxy = [IpAddr::from([127, 0, 0, 1])];
        let at = |ip: [u8; 4]| SocketAddr::from((ip, 5));
        let headers = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            values.iter().for_each(|value| {
                headers.append(&header, value.parse().unwrap());
            });
            headers
        };
        let mail = |peer, values: &[&str]| mail_from(&header, &proxy, peer, &headers(values));
        let near = at([127, 0, 0, 1]);
        assert_eq!(mail(near, &["Ana@Example.com"]).as_deref(), Some("ana@example.com"));
        let mapped = SocketAddr::from((std::net::Ipv4Addr::LOCALHOST.to_ipv6_mapped(), 5));
        assert_eq!(mail(mapped, &["ana@example.com"]).as_deref(), Some("ana@example.com"));
        assert_eq!(mail(at([10, 0, 0, 1]), &["ana@example.com"]), None, "somebody else");
        assert_eq!(mail(near, &["ana@example.com", "eve@example.com"]), None, "two");
        for bad in ["", "ana", "@b", "a@", "a@b, c@d", "a@b@c", "<a@b>", "*@example.com"] {
            assert_eq!(mail(near, &[bad]), None, "{bad}");
        }
        assert_eq!(mail(near, &[]), None);
    }
}
