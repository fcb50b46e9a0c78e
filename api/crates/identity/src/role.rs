//! Roles, and the rights that they give.

use std::collections::BTreeSet;

use async_graphql::Enum;
use uuid::Uuid;

use kernel::policy::Viewer;

/// What somebody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Enum)]
pub enum Role {
    /// Sees what members see, and takes part.
    Member,
    /// Writes the records of a region and sees its private ones.
    Editor,
    /// Moderates the discussions of a region and sees its private records.
    Moderator,
    /// Writes the records of a region, sees its private ones, and decides who else has a role in it.
    RegionAdmin,
    /// Pushes the records of a region's systems.
    SyncPartner,
    /// Administers the whole instance.
    Admin,
}

impl Role {
    /// The roles that are for one region.
    pub const OF_REGIONS: [Self; 5] =
        [Self::Member, Self::Editor, Self::Moderator, Self::RegionAdmin, Self::SyncPartner];

    /// Whether the role is for one region, rather than for the whole instance.
    pub const fn has_region(self) -> bool {
        !matches!(self, Self::Admin)
    }

    /// Whether those who have the role are staff of its region.
    pub const fn is_staff(self) -> bool {
        matches!(self, Self::Editor | Self::Moderator | Self::RegionAdmin)
    }

    /// Whether those who have the role write the records of its region.
    pub const fn writes(self) -> bool {
        matches!(self, Self::Editor | Self::RegionAdmin | Self::SyncPartner)
    }
}

/// A role of an account or an API key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Grant {
    /// The role.
    pub role: Role,
    /// Slug of the region; `None` for the whole instance.
    pub region: Option<String>,
}

/// The viewer for the account or key `who`, with these roles and own records.
pub fn viewer(who: Uuid, grants: &[Grant], owns: BTreeSet<Uuid>) -> Viewer {
    let regions = |fits: fn(Role) -> bool| {
        let fitting = grants.iter().filter(move |grant| fits(grant.role));
        fitting.filter_map(|grant| grant.region.clone()).collect()
    };
    Viewer {
        signed_in: true,
        account: Some(who),
        machine: false,
        staff_of: regions(Role::is_staff),
        writes: regions(Role::writes),
        pushes: regions(|role| role == Role::SyncPartner),
        owns,
        admin: grants.iter().any(|grant| grant.role == Role::Admin),
    }
}

/// Whether these roles allow granting roles in a region and creating its API keys.
pub fn administers(grants: &[Grant], region: &str) -> bool {
    grants.iter().any(|grant| match grant.role {
        Role::Admin => true,
        Role::RegionAdmin => grant.region.as_deref() == Some(region),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(role: Role, region: &str) -> Grant {
        Grant { role, region: Some(region.to_owned()) }
    }

    #[test]
    fn staff_are_editors_moderators_and_region_admins() {
        let grants: Vec<Grant> =
            Role::OF_REGIONS.iter().map(|role| grant(*role, kernel::name_of(*role))).collect();
        let viewer = viewer(Uuid::nil(), &grants, BTreeSet::new());
        let staff: Vec<&str> = viewer.staff_of.iter().map(String::as_str).collect();
        assert_eq!(staff, ["EDITOR", "MODERATOR", "REGION_ADMIN"]);
        let writes: Vec<&str> = viewer.writes.iter().map(String::as_str).collect();
        assert_eq!(writes, ["EDITOR", "REGION_ADMIN", "SYNC_PARTNER"]);
        assert_eq!(viewer.pushes.iter().collect::<Vec<_>>(), ["SYNC_PARTNER"]);
        assert!(viewer.signed_in && !viewer.admin);
    }

    #[test]
    fn a_region_is_administered_by_its_own() {
        let admin = Grant { role: Role::Admin, region: None };
        assert!(administers(std::slice::from_ref(&admin), "flandre"));
        assert!(viewer(Uuid::nil(), &[admin], BTreeSet::new()).admin);
        assert!(administers(&[grant(Role::RegionAdmin, "flandre")], "flandre"));
        assert!(!administers(&[grant(Role::RegionAdmin, "wallonie")], "flandre"));
        assert!(!administers(&[grant(Role::Editor, "flandre")], "flandre"));
    }
}
