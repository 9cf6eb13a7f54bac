//! The actor on this machine.

use lifecycle::authority::{Actor, Role, Via};

/// The file in which the system names its users.
const USERS: &str = "/etc/passwd";

/// The actor on the command line: a user who can reach the database may do anything to it anyway. The name is the one
/// of the process's user, which no environment variable changes.
pub fn local_administrator() -> Actor {
    let user = rustix::process::getuid().as_raw();
    let users = std::fs::read_to_string(USERS).unwrap_or_default();
    let name = name_of(&users, user).unwrap_or_else(|| format!("uid-{user}"));
    Actor::new(format!("cli:{name}"), [Role::Admin].into(), Via::Cli)
}

/// The name of a user: the first of the colon-separated fields of its line, of which the third is its number.
fn name_of(users: &str, user: u32) -> Option<String> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        let number = fields.nth(1)?.parse::<u32>().ok()?;
        (number == user).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_the_users_own() {
        let users = "root:x:0:0:root:/root:/bin/bash\n\nbroken\nada:x:1000:1000::/home/ada:/bin/sh\n";
        assert_eq!(name_of(users, 0).as_deref(), Some("root"));
        assert_eq!(name_of(users, 1000).as_deref(), Some("ada"));
        assert_eq!(name_of(users, 7), None);
    }
}
