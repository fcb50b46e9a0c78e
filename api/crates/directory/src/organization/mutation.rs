//! Mutations of organizations.

use super::OrganizationNode;
use super::write::Organizations;
use crate::record_mutations;

record_mutations! {
    /// Mutations of organizations.
    OrganizationMutation of Organizations,
    /// An organization as it was written, or why nothing was.
    OrganizationPayload {
        /// The organization as it is now. Where somebody else has changed it meanwhile (CONFLICT), as they have
        /// left it; null where nothing was written for another reason.
        organization: OrganizationNode
    }
    create {
        /// Makes an organization: it needs a name, a kind and a region. Those who write the records of that
        /// region may.
        create_organization
    }
    update {
        /// Changes an organization: an absent field keeps, null clears, a list replaces. Those who write the
        /// records of its region may; to move it to another region, those of both.
        update_organization("Id of the organization.")
    }
    delete {
        /// Deletes an organization. It is refused while others refer to it: affiliations, partnerships, members,
        /// organizations that it succeeds.
        delete_organization("Id of the organization.")
    }
    merge {
        /// Merges an organization that is in the directory twice: the duplicate goes, and its id, its slugs and its external
        /// id lead to the survivor from then on, also in imports. Those who write the records of the regions of both may.
        ///
        /// Affiliations, partnerships, members, the organizations that it continues, proposals and the accounts of its members
        /// go over to the survivor; an affiliation or a party that both had becomes one. Of the survivor only what is empty
        /// is filled from the duplicate (a status UNKNOWN counts as empty); its lists (names, kinds, regions served,
        /// languages, sectors, identifiers, memberships, descriptions in other languages, sources, claims) get what they
        /// lack. The name, the kind, the region, the visibility and every value that is there stay; the duplicate's name
        /// becomes one of the other names. It is refused where a partnership of the two alone would be left with one party.
        /// It cannot be undone.
        merge_organizations
    }
}
