//! The nine entries of the rail, with their icons and keyboard shortcuts.

/// One entry of the rail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The label.
    pub name: &'static str,
    /// The address.
    pub path: &'static str,
    /// The key that opens the entry after `g`.
    pub key: &'static str,
    /// The icon: paths in a box of 16 × 16.
    pub icon: &'static str,
    /// Whether the bottom bar of phones shows the entry without being opened.
    pub at_hand: bool,
}

/// The entries, in the order of the rail.
pub const PLACES: [Place; 9] = [
    Place {
        name: "Home",
        path: "/",
        key: "h",
        icon: "M2.5 7 8 2.5 13.5 7v5.5a1 1 0 0 1-1 1h-9a1 1 0 0 1-1-1zM6.5 13.5v-4h3v4",
        at_hand: true,
    },
    Place {
        name: "Approvals",
        path: "/approvals",
        key: "p",
        icon: "M2.5 3h11v7.5H7.5L4.5 13v-2.5h-2zM5.8 6.8l1.6 1.6 2.8-3.1",
        at_hand: true,
    },
    Place {
        name: "Studio",
        path: "/studio",
        key: "s",
        icon: "m10.5 3 2.5 2.5-7.5 7.5H3v-2.5zM8.8 4.7l2.5 2.5",
        at_hand: false,
    },
    Place {
        name: "Reviews",
        path: "/reviews",
        key: "r",
        icon: "M3 2.5h10v11H3zM5.5 8.2l1.8 1.8 3.2-3.6",
        at_hand: true,
    },
    Place {
        name: "Rollouts",
        path: "/rollouts",
        key: "o",
        icon: "M2.5 12.5h3v-4h3.5v-3h4.5v-3M11 2.5h2.5V5",
        at_hand: false,
    },
    Place {
        name: "Decisions",
        path: "/decisions",
        key: "d",
        icon: "M8 2.5v3.2M8 5.7 4 9.5v4M8 5.7l4 3.8v4M2.6 12l1.4 1.6L5.4 12M10.6 12l1.4 1.6 1.4-1.6",
        at_hand: false,
    },
    Place { name: "Incidents", path: "/incidents", key: "i", icon: "M8 2.5 14 13H2zM8 6.5v3M8 11.2v.1", at_hand: true },
    Place {
        name: "Audit",
        path: "/audit",
        key: "a",
        icon: "M5.5 4h8M5.5 8h8M5.5 12h8M2.5 4h.1M2.5 8h.1M2.5 12h.1",
        at_hand: false,
    },
    Place {
        name: "Settings",
        path: "/settings",
        key: "t",
        icon: "M2.5 4.5h6M12 4.5h1.5M2.5 11.5H4M7.5 11.5h6M10.2 2.8v3.4M5.8 9.8v3.4",
        at_hand: false,
    },
];

/// The entry that a path belongs to.
pub fn place_of(path: &str) -> Option<&'static Place> {
    let first = match path.split('/').nth(1).unwrap_or_default() {
        // Pages below other pages.
        "kpis" => "",
        "drills" => "rollouts",
        first => first,
    };
    PLACES.iter().find(|place| place.path.trim_start_matches('/') == first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_belongs_to_the_place_above_it() {
        let name = |path| place_of(path).map(|place| place.name);
        assert_eq!(name("/"), Some("Home"));
        assert_eq!(name("/studio/12"), Some("Studio"));
        assert_eq!(name("/reviews"), Some("Reviews"));
        assert_eq!(name("/approvals/apr_1"), Some("Approvals"));
        assert_eq!(name("/kpis"), Some("Home"));
        assert_eq!(name("/sign-in"), None);
    }

    #[test]
    fn every_key_leads_to_one_place() {
        let mut keys: Vec<_> = PLACES.iter().map(|place| place.key).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), PLACES.len());
    }
}
