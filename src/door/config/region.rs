//! The platform's regions and the domains that they are reached at (API.md section 1).
//!
//! Must never: guess a region; "US Midwest" is none, and the nearest by name is a government deployment.

/// Region names and their domains: `https://api.{domain}` and `https://login.{domain}`.
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

/// The domain of a region by its name; hyphens and capitals are forgiven (`US-East-1`).
pub(super) fn domain(region: &str) -> Option<&'static str> {
    let name = region.to_lowercase().replace('-', "_");
    REGIONS.iter().find(|(known, _)| *known == name).map(|(_, domain)| *domain)
}
