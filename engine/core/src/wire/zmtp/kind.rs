//! The types of sockets.

/// Those that we have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketType {
    Push,
    Pull,
    Req,
    Rep,
}

impl SocketType {
    /// As it stands in READY.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Push => "PUSH",
            Self::Pull => "PULL",
            Self::Req => "REQ",
            Self::Rep => "REP",
        }
    }

    /// Whether it may talk to a socket of this type.
    pub fn talks_to(self, theirs: &str) -> bool {
        match self {
            Self::Push => theirs == "PULL",
            Self::Pull => theirs == "PUSH",
            Self::Req => matches!(theirs, "REP" | "ROUTER"),
            Self::Rep => matches!(theirs, "REQ" | "DEALER"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::SocketType::{self, *};

    #[test]
    fn who_talks_to_whom() {
        const ALL: [&str; 12] =
            ["PUSH", "PULL", "REQ", "REP", "DEALER", "ROUTER", "PUB", "SUB", "XPUB", "XSUB", "PAIR", "push"];
        for (ours, theirs) in
            [(Push, &["PULL"][..]), (Pull, &["PUSH"]), (Req, &["REP", "ROUTER"]), (Rep, &["REQ", "DEALER"])]
        {
            let talks: Vec<_> = ALL.into_iter().filter(|theirs| SocketType::talks_to(ours, theirs)).collect();
            assert_eq!(talks, theirs, "{}", ours.as_str());
        }
    }
}
