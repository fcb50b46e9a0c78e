//! The access rights: a row for each field, each mutation, and each value to query by.
//!
//! A part of the schema without a row here fails the test with its name, and so does a row without a part.

use super::viewers::Of;

/// The viewers who may read a field of a record that they see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// All who see the record. The value is the same for all.
    All,
    /// All, but the value is limited to the records that the viewer sees.
    Related,
    /// The person and the staff of the region, and others if the person allows it. The word is part of the value of
    /// the record that hides all its groups.
    Group(&'static str),
    /// Signed-in accounts.
    SignedIn,
    /// Viewers from whom no group of the record is hidden.
    Insiders,
    /// Members of the event's organizers, and those who write the records of its region.
    Participants,
    /// The staff of the region.
    Staff,
    /// Administrators of the region.
    Administrators,
    /// The account itself.
    Oneself,
    /// Vocabularies and structures without records.
    Free,
}

/// Fields by type. The fields of an interface are listed with its types.
pub(super) const FIELDS: &[(&str, Shown, &str)] = &[
    ("Organization", Shown::All, "id slug region visibility revision createdAt updatedAt externalId sources name otherNames acronym kind otherKinds status
        foundedOn dissolvedOn sectors servedRegions seatRegion territory address languages website description descriptions identifiers
        employeeCount studentCount"),
    ("Organization", Shown::SignedIn, "email phone"),
    ("Organization", Shown::Related, "claims affiliations partnerships memberOf members successor predecessors"),
    ("Talent", Shown::All, "id slug region visibility revision createdAt updatedAt externalId sources displayName givenName familyName nameVariants headline
        headlines occupations sectors skills languages territory website links identifiers legalBasis claimed"),
    ("Talent", Shown::Group("canary"), "email phone"),
    ("Talent", Shown::Group("canary-biography"), "biography biographies"),
    ("Talent", Shown::Group("FROM_DATE"), "availability"),
    ("Talent", Shown::Group("2031"), "availableFrom"),
    ("Talent", Shown::Group("role of closed-t"), "affiliations"),
    ("Talent", Shown::Group("claim-of-email"), "claims"),
    ("Talent", Shown::Insiders, "fieldVisibility consents"),
    // Profiles of the matrix are not confirmed: see tests/privacy.
    ("Talent", Shown::Related, "confirmedAt"),
    ("Talent", Shown::Related, "withheld"),
    ("Affiliation", Shown::All, "id region visibility revision createdAt updatedAt externalId sources role occupation period asOf assertedBy disputedAt"),
    ("Affiliation", Shown::Related, "talent organization"),
    ("Partnership", Shown::All, "id slug region visibility revision createdAt updatedAt externalId sources title titles description descriptions kind period
        sectors status crossBorder totalContribution regions claims"),
    ("Partnership", Shown::Related, "parties call event"),
    ("PartnershipParty", Shown::All, "role title contribution confirmedAt declinedAt"),
    ("PartnershipParty", Shown::Related, "organization"),
    ("CallForProjects", Shown::All, "id slug region visibility revision createdAt updatedAt externalId sources title titles description descriptions status
        opensAt closesAt timeZone fund regulations sectors claims"),
    ("CallForProjects", Shown::Related, "contributions lots organizers applications awards"),
    ("Contribution", Shown::All, "amount confirmed confirmedAt declinedAt"),
    ("Contribution", Shown::Related, "organization"),
    ("CallLot", Shown::All, "genre title titles ceiling budget minEpisodes maxEpisodes minMinutes maxMinutes maxAidShare eligibleRegions
        territorialSpendShare"),
    ("CallLot", Shown::Related, "awarded funders"),
    // Applicants and the staff of the funders see them: see `tests/applications/seeing`.
    ("Application", Shown::Related, "id call genre projectTitle summary applicant partners requested awarded status submittedAt decidedAt revision
        projectBudget episodes minutes links decisions"),
    ("ApplicationConnection", Shown::Related, "edges nodes pageInfo totalCount"),
    ("ApplicationEdge", Shown::Related, "cursor node"),
    ("FunderDecision", Shown::Related, "funder status amount decidedAt note"),
    ("Award", Shown::Related, "id projectTitle applicant partners genre amount decidedOn funder"),
    ("AwardConnection", Shown::Related, "edges nodes pageInfo totalCount"),
    ("AwardEdge", Shown::Related, "cursor node"),
    ("AwardSum", Shown::Related, "funder region genre amount count"),
    ("CallComparison", Shown::Related, "calls criteria"),
    ("CallCriterion", Shown::Related, "key label values"),
    ("Event", Shown::All, "id slug region visibility revision createdAt updatedAt externalId sources title titles description descriptions kind mode status
        series edition regions startsOn endsOn startsAt endsAt timeZone openingHours venue address territory website sectors expectedAttendance attendance
        capacity seatsLeft registrationMode registrationClosesAt claims"),
    ("Event", Shown::Participants, "onlineUrl"),
    ("Event", Shown::Related, "organizers partners speakers programme parent parts editions venueOrganization"),
    // Organizers see all registrations, others their own; everybody sees who comes and agrees to it: see tests/registrations.
    ("Event", Shown::Related, "registrations attendees delegation"),
    ("EventRegistration", Shown::Related, "id event status registeredAt place name email organization message listed"),
    ("EventRegistrationConnection", Shown::Related, "edges nodes pageInfo totalCount"),
    ("EventRegistrationEdge", Shown::Related, "cursor node"),
    ("EventRegistrationPayload", Shown::Related, "registration userErrors"),
    ("EventAttendee", Shown::Related, "name organization"),
    ("EventAttendeeConnection", Shown::Related, "edges nodes pageInfo totalCount"),
    ("EventAttendeeEdge", Shown::Related, "cursor node"),
    ("EventSession", Shown::All, "id kind title titles count startsAt endsAt room"),
    ("EventSession", Shown::Related, "speakers organizations"),
    ("OpeningHours", Shown::Free, "date opens closes opensAt closesAt venue"),
    ("Account", Shown::Oneself, "id email displayName language talent organizations"),
    ("Viewer", Shown::Oneself, "authenticated account roles contactReads registrations applications"),
    ("Consent", Shown::Insiders, "act at language purpose version"),
    ("ConsentText", Shown::Free, "isCurrent language text version"),
    ("DataExport", Shown::Oneself, "generatedAt json vcard"),
    ("AccountEntry", Shown::Administrators, "account createdAt roles"),
    ("AccountConnection", Shown::Administrators, "edges nodes pageInfo totalCount"),
    ("AccountEdge", Shown::Administrators, "cursor node"),
    ("AccountEntryPayload", Shown::Administrators, "entry userErrors"),
    (
        "Invitation",
        Shown::Administrators,
        "createdAt email expiresAt id language organization region roles talent",
    ),
    ("InvitationConnection", Shown::Administrators, "edges nodes pageInfo totalCount"),
    ("InvitationEdge", Shown::Administrators, "cursor node"),
    ("InvitationPayload", Shown::Administrators, "invitation userErrors"),
    ("PasswordPayload", Shown::Oneself, "userErrors"),
    ("RequestPasswordResetPayload", Shown::Oneself, "userErrors"),
    ("Query", Shown::Administrators, "accounts invitations"),
    ("Query", Shown::Oneself, "myDataExport"),
    ("Query", Shown::Free, "consentText"),
    ("ContactRead", Shown::Oneself, "at email name phone reader"),
    ("ContactReadConnection", Shown::Oneself, "edges nodes pageInfo totalCount"),
    ("ContactReadEdge", Shown::Oneself, "cursor node"),
    ("HistoryConnection", Shown::Staff, "edges nodes pageInfo totalCount"),
    ("HistoryEdge", Shown::Staff, "cursor node"),
    ("HistoryEntry", Shown::Staff, "action actor actorId at fields recordId revision source"),
    ("Query", Shown::Staff, "history"),
    ("Query", Shown::Related, "proposals"),
    (
        "Proposal",
        Shown::Related,
        "id baseRevision changes comment decidedAt decision organization own proposedAt state",
    ),
    ("ProposalConnection", Shown::Related, "edges nodes pageInfo totalCount"),
    ("ProposalEdge", Shown::Related, "cursor node"),
    ("ProposedChange", Shown::Related, "field value"),
    ("ProposalPayload", Shown::Related, "organization proposal userErrors"),
    ("RoleGrant", Shown::Oneself, "role region"),
    ("ApiKey", Shown::Administrators, "id name region roles createdAt expiresAt lastUsedAt revokedAt"),
    ("Query", Shown::Related, "event events"),
    ("Query", Shown::Related, "node nodes organization organizations talent talents partnership partnerships partnershipGraph regionPairs statistics
        callForProjects callsForProjects compareCalls
        search suggest matchOrganizations"),
    ("Query", Shown::Free, "region regions territory sector sectors occupation occupations terms"),
    ("Query", Shown::Oneself, "viewer"),
    // Positions in the log differ, as every write advances them. `tests/feed` compares these fields with the lists of
    // records.
    ("Query", Shown::Free, "changes syncDigest syncBucket"),
    ("Subscription", Shown::Related, "changes recordChanged"),
    ("ChangeFeed", Shown::Related, "changes cursor hasMore head instanceId pending schemaVersion vocabularyHash"),
    ("Change", Shown::Related, "cursor externalId lastOfTransaction occurredAt operation origin reason record recordId recordType region revision"),
    ("Change", Shown::Staff, "canonical contentHash"),
    ("SyncDigest", Shown::Related, "buckets count cursor"),
    ("SyncBucketEntry", Shown::Related, "contentHash recordId recordType revision"),
    // Regions see their own part, and systems themselves: see `tests/feed/{clients,erasures}`.
    ("Query", Shown::Administrators, "syncStatus"),
    ("Query", Shown::Staff, "erasureStatus sources"),
    (
        "SyncStatus",
        Shown::Administrators,
        "activity clients erasures feedId floorNumber fullPushes head index instanceId lastNumber schemaVersion vocabularyHash",
    ),
    ("SyncActivity", Shown::Administrators, "snapshots streams"),
    ("SyncErasures", Shown::Administrators, "outstanding overdue"),
    ("SyncIndex", Shown::Administrators, "lagSeconds pending position"),
    (
        "SyncClient",
        Shown::Administrators,
        "acknowledged acknowledgedAt id kind lagSeconds lastSeenAt mustReload name pending region regions types wentBackAt",
    ),
    ("SyncClientConnection", Shown::Administrators, "edges nodes pageInfo totalCount"),
    ("SyncClientEdge", Shown::Administrators, "cursor node"),
    ("ErasureStatus", Shown::Staff, "clients complete erasedAt id indexPassed outstanding overdue recordType"),
    ("ErasureRecipient", Shown::Staff, "client passed"),
    ("ErasureRecipientConnection", Shown::Staff, "edges nodes pageInfo totalCount"),
    ("ErasureRecipientEdge", Shown::Staff, "cursor node"),
    ("RecordSource", Shown::Staff, "createdAt id name region"),
    ("RegisterSourcePayload", Shown::Administrators, "source userErrors"),
    ("Query", Shown::Administrators, "apiKeys"),
    ("Region", Shown::Free, "id slug name role country nutsCode timeZone validUntil successor languages territories"),
    ("Region", Shown::Related, "organizations talents statistics"),
    ("Statistics", Shown::Related, "organizationCount talentCount partnershipCount crossBorderPartnershipCount organizationsByKind organizationsBySector
        awards"),
    ("KindCount", Shown::Related, "kind count"),
    ("SectorCount", Shown::Related, "sector count"),
    ("RegionPair", Shown::Related, "first second partnershipCount totalContribution"),
    ("PartnershipGraph", Shown::Related, "nodes links truncated"),
    ("PartnershipGraphNode", Shown::Related, "organization degree"),
    ("PartnershipGraphLink", Shown::Related, "source target partnershipCount crossBorder"),
    ("OrganizationConnection", Shown::Related, "edges nodes pageInfo totalCount"),
    ("OrganizationEdge", Shown::Related, "cursor node"),
    ("TalentConnection", Shown::Related, "edges nodes pageInfo totalCount"),
    ("TalentEdge", Shown::Related, "cursor node"),
    ("AffiliationConnection", Shown::Related, "edges nodes pageInfo totalCount"),
    ("AffiliationEdge", Shown::Related, "cursor node"),
    ("PartnershipConnection", Shown::Related, "edges nodes pageInfo totalCount"),
    ("PartnershipEdge", Shown::Related, "cursor node"),
    ("CallForProjectsConnection", Shown::Related, "edges nodes pageInfo totalCount"),
    ("CallForProjectsEdge", Shown::Related, "cursor node"),
    ("EventConnection", Shown::Related, "edges nodes pageInfo totalCount"),
    ("EventEdge", Shown::Related, "cursor node"),
    ("SearchConnection", Shown::Related, "edges nodes pageInfo estimatedTotalCount facets degraded"),
    // A position in the log, which every write advances. It reveals that there was a write, but not which.
    ("SearchConnection", Shown::Free, "indexedThrough"),
    ("SearchEdge", Shown::Related, "cursor node score highlights"),
    ("Highlight", Shown::Related, "field snippet"),
    ("FacetDistribution", Shown::Related, "facet values"),
    ("FacetValue", Shown::Related, "value label count"),
    ("Suggestion", Shown::Related, "text type node"),
    ("OrganizationMatch", Shown::Related, "query candidates"),
    ("OrganizationMatchCandidate", Shown::Related, "organization score match"),
    ("PageInfo", Shown::Related, "startCursor endCursor hasNextPage hasPreviousPage"),
    ("Territory", Shown::Free, "id slug name nutsCode parent region"),
    ("Sector", Shown::Free, "id slug name description naceCodes parent children"),
    ("Occupation", Shown::Free, "id slug name family escoUri iscoCode"),
    ("Term", Shown::Free, "slug name definition"),
    ("Address", Shown::Free, "lines postalCode city country location"),
    ("GeoPoint", Shown::Free, "latitude longitude"),
    ("Claim", Shown::Free, "field value qualifier preferred source note"),
    ("ExternalId", Shown::Free, "source id"),
    ("FieldVisibility", Shown::Free, "group visibility"),
    ("Identifier", Shown::Free, "scheme value url"),
    ("Link", Shown::Free, "label url"),
    ("LocalizedText", Shown::Free, "language text"),
    ("Money", Shown::Free, "amount currency"),
    ("Period", Shown::Free, "startsOn endsOn"),
    ("Regulation", Shown::Free, "language version url validFrom"),
    ("Source", Shown::Free, "title url publishedOn"),
    ("SpokenLanguage", Shown::Free, "language level"),
    // The record in a payload is read under the same rules as by a query.
    ("OrganizationPayload", Shown::Related, "organization userErrors"),
    ("TalentPayload", Shown::Related, "talent userErrors"),
    ("AffiliationPayload", Shown::Related, "affiliation userErrors"),
    ("PartnershipPayload", Shown::Related, "partnership userErrors"),
    ("CallForProjectsPayload", Shown::Related, "callForProjects warnings userErrors"),
    ("ApplicationPayload", Shown::Related, "application userErrors"),
    ("EventPayload", Shown::Related, "event warnings userErrors"),
    ("Warning", Shown::Free, "code message path"),
    ("DeletePayload", Shown::Free, "deletedId scheduledFor userErrors"),
    ("StopErasurePayload", Shown::Free, "talentId userErrors"),
    ("PushRecordsPayload", Shown::Related, "cursor replayed results userErrors"),
    (
        "PushRecordResult",
        Shown::Related,
        "index externalId status record currentRevision conflict warnings userErrors",
    ),
    (
        "PushConflict",
        Shown::Related,
        "baseRevision currentRevision current submitted differingFields",
    ),
    ("FullPush", Shown::Free, "id source begunAt"),
    ("BeginFullPushPayload", Shown::Free, "fullPush userErrors"),
    ("CompleteFullPushPayload", Shown::Related, "deleted refused cursor replayed userErrors"),
    ("UnmentionedRecord", Shown::Related, "id externalId userErrors"),
    ("CreateApiKeyPayload", Shown::Administrators, "apiKey secret userErrors"),
    ("RevokeApiKeyPayload", Shown::Administrators, "apiKey userErrors"),
    ("CalendarAddressPayload", Shown::Oneself, "url userErrors"),
    ("ViewerPayload", Shown::Oneself, "viewer userErrors"),
    ("SessionPayload", Shown::Oneself, "accessToken refreshToken expiresAt viewer userErrors"),
    ("SignOutPayload", Shown::Oneself, "userErrors"),
    ("UserError", Shown::Free, "code message path reason retryAfterMs"),
];

/// The viewers who may call a mutation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum May {
    /// Writers of the region.
    WriteRegion,
    /// Writers of the region, on this record.
    Write(Of),
    /// Writers of the region, and the person on their own profile.
    WriteTalent,
    /// The talent's side of an affiliation.
    ChangeAffiliation,
    /// Either side of an affiliation.
    SpeakInAffiliation,
    /// Either side of a new affiliation with this talent.
    MakeAffiliation,
    /// Those who may act for the party.
    SpeakForParty,
    /// Those who may act for the funder of a call.
    SpeakForFunder,
    /// Members of the organization, to a call that they see.
    Apply,
    /// Members of the applicant. The staff of the funders may not, and for others the application is absent.
    ChangeApplication,
    /// Writers of the region of the lot's funder, on an application that was submitted. Others who see it may not.
    Judge,
    /// Members of the organization.
    Propose,
    /// Writers of the region, on a proposal of another account.
    Review,
    /// The account that made the proposal. Writers of the region may not.
    Withdraw,
    /// Administrators of the region.
    Administer,
    /// Administrators of the region. For others the key is absent.
    AdministerKey,
    /// Administrators of the organization's region. For others it is absent.
    AdministerOrganization,
    /// Systems of the region.
    Push,
    /// Systems of the region, on a full push of a source. For systems of other regions it is absent.
    FullPush,
    /// Writers of the region with an account.
    Invite,
    /// The person themself.
    Own,
    /// People with an account who see the event.
    Register,
    /// The account whose registration it is. Those who organize the event see it, for others it is absent.
    ChangeRegistration,
    /// Those who organize the event. The account whose registration it is sees it, for others it is absent.
    AnswerRegistration,
    /// All signed-in accounts.
    SignedIn,
    /// All: the mutation depends only on its arguments.
    Anybody,
}

/// The way to undo a mutation, so that the next viewer may repeat it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Undo {
    /// Not needed: the call changes nothing, is incomplete, or has another base revision.
    Nothing,
    Affiliation,
    Partnership,
    Call,
    Application,
    Proposal,
    Member,
    Invitation,
    FullPush,
    Registration,
    /// Impossible: each viewer gets a new invitation.
    NeverInvitation,
    /// Impossible: each viewer gets a new talent.
    Never,
}

/// Mutations: rights, call, and how it is undone.
pub(super) const MUTATIONS: &[(&str, May, &str, Undo)] = &[
    (
        "createOrganization",
        May::WriteRegion,
        "(input: {region: \"wallonie\"}) { organization { id } {errors} }",
        Undo::Nothing,
    ),
    (
        "updateOrganization",
        May::Write(Of::Organization),
        "(id: \"{organization}\", input: {}) { organization { id } {errors} }",
        Undo::Nothing,
    ),
    (
        "deleteOrganization",
        May::Write(Of::Organization),
        "(id: \"{organization}\", baseRevision: 999) { deletedId {errors} }",
        Undo::Nothing,
    ),
    (
        "createTalent",
        May::WriteRegion,
        "(input: {region: \"wallonie\"}) { talent { id } {errors} }",
        Undo::Nothing,
    ),
    (
        "updateTalent",
        May::WriteTalent,
        "(id: \"{talent}\", input: {}) { talent { id } {errors} }",
        Undo::Nothing,
    ),
    (
        "deleteTalent",
        May::WriteTalent,
        "(id: \"{talent}\", baseRevision: 999) { deletedId {errors} }",
        Undo::Nothing,
    ),
    ("acceptInvitation", May::Anybody, "(input: {token: \"wrong\"}) { accessToken {errors} }", Undo::Nothing),
    (
        "resetPassword",
        May::Anybody,
        "(input: {token: \"wrong\", password: \"wrong\"}) { {errors} }",
        Undo::Nothing,
    ),
    ("requestPasswordReset", May::Anybody, "(email: \"nobody@example.org\") { {errors} }", Undo::Nothing),
    (
        "changePassword",
        May::SignedIn,
        "(input: {currentPassword: \"wrong\", newPassword: \"x\"}) { {errors} }",
        Undo::Nothing,
    ),
    ("claimTalent", May::SignedIn, "(token: \"wrong\") { talent { id } {errors} }", Undo::Nothing),
    ("confirmTalent", May::Own, "(id: \"{talent}\") { talent { id } {errors} }", Undo::Never),
    ("withdrawConsent", May::Own, "(id: \"{talent}\") { talent { id } {errors} }", Undo::Never),
    (
        "grantRole",
        May::Administer,
        "(input: {account: \"{account}\", role: EDITOR, region: \"wallonie\"}) { entry { roles { role } } {errors} }",
        Undo::Nothing,
    ),
    (
        "revokeRole",
        May::Administer,
        "(input: {account: \"{account}\", role: MODERATOR, region: \"wallonie\"}) { entry { roles { role } } {errors} }",
        Undo::Nothing,
    ),
    (
        "addOrganizationMember",
        May::AdministerOrganization,
        "(input: {account: \"{colleague}\", organization: \"{organization}\"}) { entry { createdAt } {errors} }",
        Undo::Member,
    ),
    (
        "removeOrganizationMember",
        May::AdministerOrganization,
        "(input: {account: \"{account}\", organization: \"{organization}\"}) { entry { createdAt } {errors} }",
        Undo::Nothing,
    ),
    (
        "inviteAccount",
        May::Administer,
        "(input: {email: \"guest@example.org\", region: \"wallonie\", roles: [ADMIN]}) { invitation { id } {errors} }",
        Undo::Nothing,
    ),
    (
        "revokeInvitation",
        May::AdministerKey,
        "(id: \"{invitation}\") { invitation { id } {errors} }",
        Undo::NeverInvitation,
    ),
    (
        "inviteTalent",
        May::Invite,
        "(talent: \"{talent}\", email: \"guest@example.org\") { invitation { id } {errors} }",
        Undo::Invitation,
    ),
    (
        "mergeOrganizations",
        May::Write(Of::Organization),
        "(survivor: \"{organization}\", duplicate: \"{twin-o}\", baseRevision: 999) { organization { id } {errors} }",
        Undo::Nothing,
    ),
    (
        "mergeOrganizations",
        May::Write(Of::Organization),
        "(survivor: \"{twin-o}\", duplicate: \"{organization}\", baseRevision: 999) { organization { id } {errors} }",
        Undo::Nothing,
    ),
    (
        "mergeTalents",
        May::Write(Of::Talent),
        "(survivor: \"{talent}\", duplicate: \"{twin-t}\", baseRevision: 999) { talent { id } {errors} }",
        Undo::Nothing,
    ),
    (
        "mergeTalents",
        May::Write(Of::Talent),
        "(survivor: \"{twin-t}\", duplicate: \"{talent}\", baseRevision: 999) { talent { id } {errors} }",
        Undo::Nothing,
    ),
    (
        "proposeChange",
        May::Propose,
        "(input: {organization: \"{organization}\", change: {}}) { proposal { id } {errors} }",
        Undo::Nothing,
    ),
    (
        "reviewProposal",
        May::Review,
        "(id: \"{proposal}\", accept: true, baseRevision: 999) { proposal { id } {errors} }",
        Undo::Nothing,
    ),
    ("withdrawProposal", May::Withdraw, "(id: \"{proposal}\") { proposal { id } {errors} }", Undo::Proposal),
    (
        "pushRecords",
        May::Push,
        "(input: {source: \"test-wallonie\", idempotencyKey: \"k\", dryRun: true, records: [{externalId: \"new\", organization: {}}]}) { results { status } {errors} }",
        Undo::Nothing,
    ),
    (
        "beginFullPush",
        May::Push,
        "(source: \"test-wallonie\") { fullPush { source } {errors} }",
        Undo::FullPush,
    ),
    (
        "completeFullPush",
        May::FullPush,
        "(id: \"{full-push}\", expectedCount: 999) { deleted {errors} }",
        Undo::FullPush,
    ),
    (
        "registerSource",
        May::Administer,
        "(input: {name: \"test-wallonie\", region: \"wallonie\"}) { source { name } {errors} }",
        Undo::Nothing,
    ),
    ("stopErasure", May::WriteTalent, "(id: \"{talent}\") { talentId {errors} }", Undo::Nothing),
    ("eraseTalent", May::WriteTalent, "(id: \"{talent}\") { deletedId {errors} }", Undo::Never),
    (
        "createAffiliation",
        May::MakeAffiliation,
        "(input: {talent: \"{talent}\", organization: \"pub-o\"}) { affiliation { id } {errors} }",
        Undo::Nothing,
    ),
    (
        "updateAffiliation",
        May::ChangeAffiliation,
        "(id: \"{affiliation}\", input: {}) { affiliation { id } {errors} }",
        Undo::Nothing,
    ),
    (
        "deleteAffiliation",
        May::ChangeAffiliation,
        "(id: \"{affiliation}\", baseRevision: 999) { deletedId {errors} }",
        Undo::Nothing,
    ),
    (
        "confirmAffiliation",
        May::SpeakInAffiliation,
        "(id: \"{affiliation}\") { affiliation { id } {errors} }",
        Undo::Affiliation,
    ),
    (
        "disputeAffiliation",
        May::SpeakInAffiliation,
        "(id: \"{affiliation}\") { affiliation { id } {errors} }",
        Undo::Affiliation,
    ),
    (
        "createPartnership",
        May::WriteRegion,
        "(input: {region: \"wallonie\"}) { partnership { id } {errors} }",
        Undo::Nothing,
    ),
    (
        "updatePartnership",
        May::Write(Of::Partnership),
        "(id: \"{partnership}\", input: {}) { partnership { id } {errors} }",
        Undo::Nothing,
    ),
    (
        "deletePartnership",
        May::Write(Of::Partnership),
        "(id: \"{partnership}\", baseRevision: 999) { deletedId {errors} }",
        Undo::Nothing,
    ),
    (
        "confirmPartnership",
        May::SpeakForParty,
        "(id: \"{partnership}\", organization: \"pub-o\") { partnership { id } {errors} }",
        Undo::Partnership,
    ),
    (
        "declinePartnership",
        May::SpeakForParty,
        "(id: \"{partnership}\", organization: \"pub-o\") { partnership { id } {errors} }",
        Undo::Partnership,
    ),
    (
        "registerForEvent",
        May::Register,
        "(input: {event: \"{event}\"}) { registration { id } {errors} }",
        Undo::Registration,
    ),
    (
        "cancelRegistration",
        May::ChangeRegistration,
        "(id: \"{registration}\") { registration { id } {errors} }",
        Undo::Registration,
    ),
    (
        "updateRegistration",
        May::ChangeRegistration,
        "(id: \"{registration}\") { registration { id } {errors} }",
        Undo::Nothing,
    ),
    (
        "confirmRegistration",
        May::AnswerRegistration,
        "(id: \"{registration}\") { registration { id } {errors} }",
        Undo::Nothing,
    ),
    (
        "declineRegistration",
        May::AnswerRegistration,
        "(id: \"{registration}\") { registration { id } {errors} }",
        Undo::Nothing,
    ),
    (
        "createCallForProjects",
        May::WriteRegion,
        "(input: {region: \"wallonie\"}) { callForProjects { id } {errors} }",
        Undo::Nothing,
    ),
    (
        "updateCallForProjects",
        May::Write(Of::Call),
        "(id: \"{call}\", input: {}) { callForProjects { id } {errors} }",
        Undo::Nothing,
    ),
    (
        "deleteCallForProjects",
        May::Write(Of::Call),
        "(id: \"{call}\", baseRevision: 999) { deletedId {errors} }",
        Undo::Nothing,
    ),
    (
        "confirmContribution",
        May::SpeakForFunder,
        "(id: \"{call}\", organization: \"pub-o\") { callForProjects { id } {errors} }",
        Undo::Call,
    ),
    (
        "declineContribution",
        May::SpeakForFunder,
        "(id: \"{call}\", organization: \"pub-o\") { callForProjects { id } {errors} }",
        Undo::Call,
    ),
    (
        "createApplication",
        May::Apply,
        "(call: \"{call}\", input: {applicant: \"{organization}\"}) { application { id } {errors} }",
        Undo::Nothing,
    ),
    (
        "updateApplication",
        May::ChangeApplication,
        "(id: \"{application}\", baseRevision: 999, input: {}) { application { id } {errors} }",
        Undo::Nothing,
    ),
    (
        "deleteApplication",
        May::ChangeApplication,
        "(id: \"{application}\") { deletedId {errors} }",
        Undo::Nothing,
    ),
    (
        "submitApplication",
        May::ChangeApplication,
        "(id: \"{application}\") { application { id } {errors} }",
        Undo::Nothing,
    ),
    (
        "withdrawApplication",
        May::ChangeApplication,
        "(id: \"{application}\") { application { id } {errors} }",
        Undo::Application,
    ),
    (
        "shortlistApplication",
        May::Judge,
        "(id: \"{application}\") { application { id } {errors} }",
        Undo::Application,
    ),
    (
        "awardApplication",
        May::Judge,
        "(id: \"{application}\", amount: {amount: \"1\", currency: \"EUR\"}) { application { id } {errors} }",
        Undo::Application,
    ),
    (
        "rejectApplication",
        May::Judge,
        "(id: \"{application}\") { application { id } {errors} }",
        Undo::Application,
    ),
    (
        "createEvent",
        May::WriteRegion,
        "(input: {region: \"wallonie\"}) { event { id } {errors} }",
        Undo::Nothing,
    ),
    (
        "updateEvent",
        May::Write(Of::Event),
        "(id: \"{event}\", input: {}) { event { id } {errors} }",
        Undo::Nothing,
    ),
    (
        "deleteEvent",
        May::Write(Of::Event),
        "(id: \"{event}\", baseRevision: 999) { deletedId {errors} }",
        Undo::Nothing,
    ),
    (
        "createApiKey",
        May::Administer,
        "(input: {name: \"\", region: \"wallonie\", roles: [EDITOR]}) { apiKey { id } {errors} }",
        Undo::Nothing,
    ),
    ("createCalendarAddress", May::SignedIn, "{ url {errors} }", Undo::Nothing),
    ("revokeCalendarAddress", May::SignedIn, "{ viewer { authenticated } {errors} }", Undo::Nothing),
    ("revokeApiKey", May::AdministerKey, "(id: \"{key}\") { apiKey { id } {errors} }", Undo::Nothing),
    (
        "signIn",
        May::Anybody,
        "(input: {email: \"nobody@example.org\", password: \"wrong\"}) { accessToken {errors} }",
        Undo::Nothing,
    ),
    ("refreshSession", May::Anybody, "(refreshToken: \"wrong\") { accessToken {errors} }", Undo::Nothing),
    ("signOut", May::Anybody, "(refreshToken: \"wrong\") { {errors} }", Undo::Nothing),
];

/// Values of hidden records, by the input field that queries by them. Words in braces are placeholders for names of
/// records. A value with such a word is also queried for records that never existed.
pub(super) const PROBES: &[(&str, &[&str])] = &[
    ("OrganizationFilter.kinds", &["[\"fund\"]", "[\"fund\", \"animation-studio\"]"]),
    ("OrganizationFilter.languages", &["[DE]"]),
    ("OrganizationFilter.memberOf", &["[\"{organization}\"]", "[\"{public}\"]"]),
    ("OrganizationFilter.near", &["{latitude: 50.2, longitude: 5.2, radiusKm: 10}"]),
    ("OrganizationFilter.regions", &["[\"wallonie\"]", "[\"flandre\"]"]),
    ("OrganizationFilter.sectors", &["[\"jeux-video\"]"]),
    ("OrganizationFilter.statuses", &["[ACTIVE]"]),
    ("OrganizationFilter.territories", &["[\"namur\"]"]),
    ("OrganizationFilter.updatedSince", &["\"2020-01-01T00:00:00Z\""]),
    ("TalentFilter.availability", &["[AVAILABLE]", "[FROM_DATE]"]),
    ("TalentFilter.availableBy", &["\"2032-01-01\""]),
    ("TalentFilter.languages", &["[\"de\"]"]),
    ("TalentFilter.occupations", &["[\"monteur\"]"]),
    ("TalentFilter.organization", &["\"{organization}\"", "\"{public}\""]),
    ("TalentFilter.regions", &["[\"wallonie\"]"]),
    ("TalentFilter.sectors", &["[\"jeux-video\"]"]),
    ("TalentFilter.skills", &["[\"hidskill\"]", "[\"memskill\"]"]),
    ("TalentFilter.territories", &["[\"namur\"]"]),
    ("TalentFilter.updatedSince", &["\"2020-01-01T00:00:00Z\""]),
    ("PartnershipFilter.activeOn", &["\"2000-01-01\""]),
    ("PartnershipFilter.crossBorder", &["true", "false"]),
    ("PartnershipFilter.kinds", &["[\"coproduction\"]"]),
    ("PartnershipFilter.organizations", &["[\"{organization}\"]", "[\"{public}\"]"]),
    ("PartnershipFilter.regions", &["[\"wallonie\"]"]),
    ("PartnershipFilter.sectors", &["[\"jeux-video\"]"]),
    ("PartnershipFilter.statuses", &["[ACTIVE]"]),
    ("PartnershipFilter.updatedSince", &["\"2020-01-01T00:00:00Z\""]),
    ("CallForProjectsFilter.funders", &["[\"{organization}\"]", "[\"{public}\"]"]),
    ("CallForProjectsFilter.genres", &["[\"serious-game\"]"]),
    ("CallForProjectsFilter.openOn", &["\"2000-01-01\""]),
    ("CallForProjectsFilter.regions", &["[\"wallonie\"]", "[\"flandre\"]"]),
    ("CallForProjectsFilter.sectors", &["[\"jeux-video\"]"]),
    ("CallForProjectsFilter.statuses", &["[OPEN]", "[DRAFT, UPCOMING, CLOSED, AWARDED]"]),
    ("CallForProjectsFilter.updatedSince", &["\"2020-01-01T00:00:00Z\""]),
    ("EventFilter.from", &["\"2031-05-02T00:00:00Z\"", "\"2031-06-02T00:00:00Z\""]),
    ("EventFilter.kinds", &["[\"market\"]"]),
    ("EventFilter.modes", &["[HYBRID]"]),
    ("EventFilter.near", &["{latitude: 50.2, longitude: 5.2, radiusKm: 10}"]),
    ("EventFilter.organizations", &["[\"{organization}\"]", "[\"{public}\"]"]),
    ("EventFilter.regions", &["[\"wallonie\"]", "[\"flandre\"]"]),
    ("EventFilter.sectors", &["[\"jeux-video\"]"]),
    ("EventFilter.series", &["\"rare-series\""]),
    ("EventFilter.statuses", &["[POSTPONED]"]),
    ("EventFilter.territories", &["[\"namur\"]"]),
    ("EventFilter.to", &["\"2031-05-02T00:00:00Z\""]),
    ("EventFilter.updatedSince", &["\"2020-01-01T00:00:00Z\""]),
    ("ProposalFilter.organization", &["\"{organization}\"", "\"{public}\""]),
    ("ProposalFilter.states", &["[PENDING]"]),
    ("SearchFilter.availability", &["[AVAILABLE]"]),
    ("SearchFilter.kinds", &["[\"fund\"]", "[\"market\"]"]),
    ("SearchFilter.languages", &["[\"de\"]"]),
    ("SearchFilter.near", &["{latitude: 50.2, longitude: 5.2, radiusKm: 10}"]),
    ("SearchFilter.occupations", &["[\"monteur\"]"]),
    ("SearchFilter.regions", &["[\"wallonie\"]"]),
    ("SearchFilter.sectors", &["[\"jeux-video\"]"]),
    ("SearchFilter.skills", &["[\"hidskill\"]", "[\"memskill\"]"]),
    ("SearchFilter.statuses", &["[\"POSTPONED\"]"]),
    ("SearchFilter.territories", &["[\"namur\"]"]),
    ("OrganizationBy.id", &["\"{organization}\""]),
    ("OrganizationBy.slug", &["\"{name}-o\""]),
    ("OrganizationBy.identifier", &["{scheme: SIREN, value: \"{siren}\"}"]),
    ("OrganizationBy.externalId", &["{source: \"test-wallonie\", id: \"org-{name}-o\"}"]),
    ("TalentBy.id", &["\"{talent}\""]),
    ("TalentBy.slug", &["\"{name}-t\""]),
    ("TalentBy.identifier", &["{scheme: ISNI, value: \"{isni}\"}"]),
    ("TalentBy.externalId", &["{source: \"test-wallonie\", id: \"tal-{name}-t\"}"]),
    ("RecordBy.id", &["\"{partnership}\"", "\"{call}\"", "\"{event}\""]),
    ("RecordBy.slug", &["\"{name}-p\"", "\"{name}-c\"", "\"{name}-e\""]),
    (
        "RecordBy.externalId",
        &[
            "{source: \"test-wallonie\", id: \"par-{name}-p\"}",
            "{source: \"test-wallonie\", id: \"cal-{name}-c\"}",
            "{source: \"test-wallonie\", id: \"eve-{name}-e\"}",
        ],
    ),
    (
        "Query.node(id)",
        &[
            "\"{organization}\"",
            "\"{talent}\"",
            "\"{affiliation}\"",
            "\"{partnership}\"",
            "\"{call}\"",
            "\"{event}\"",
        ],
    ),
    (
        "Query.nodes(ids)",
        &[
            "[\"{organization}\", \"{public}\", \"{talent}\", \"{affiliation}\", \"{partnership}\", \"{call}\", \"{event}\"]",
        ],
    ),
    ("Query.compareCalls(ids)", &["[\"{call}\", \"{public-call}\"]"]),
    ("Query.statistics(regions)", &["[\"wallonie\"]"]),
    ("Query.statistics(sectors)", &["[\"jeux-video\"]"]),
    (
        "Query.search(query)",
        &[
            "\"\"",
            "\"hid\"",
            "\"hidorum\"",
            "\"hidana\"",
            "\"hidskill\"",
            "\"hiddescr\"",
            "\"hidbio\"",
            "\"hidpact\"",
            "\"hidcall\"",
            "\"hidfair\"",
            "\"hidvenue\"",
            "\"mem\"",
            "\"memana\"",
        ],
    ),
    (
        "Query.suggest(prefix)",
        &["\"hid\"", "\"hidor\"", "\"hidan\"", "\"hidpa\"", "\"hidca\"", "\"mem\"", "\"pub\""],
    ),
    (
        "Query.matchOrganizations(queries)",
        &[
            "[{name: \"hidorum\", city: \"hidville\"}, {name: \"memorum\"}, {name: \"pub\", identifiers: [{scheme: SIREN, value: \"{siren}\"}]}]",
        ],
    ),
];

/// Input fields of writes that name another record, as calls with the placeholders of [`PROBES`]. Each call has
/// another error too, so that nothing is written and all errors are reported.
pub(super) const REFERENCES: &[(&str, &str)] = &[
    ("OrganizationInput.successor", "createOrganization(input: {region: \"flandre\", name: \"x\", kind: \"none\", successor: \"{organization}\"}) { {errors} }"),
    ("OrganizationInput.memberOf", "createOrganization(input: {region: \"flandre\", name: \"x\", kind: \"none\", memberOf: [\"{name}-o\", \"away-o\"]}) { {errors} }"),
    ("AffiliationInput.talent", "createAffiliation(input: {talent: \"{talent}\", organization: \"away-o\"}) { {errors} }"),
    ("AffiliationInput.organization", "createAffiliation(input: {talent: \"away-t\", organization: \"{name}-o\"}) { {errors} }"),
    ("PartnershipPartyInput.organization", "createPartnership(input: {region: \"flandre\", kind: \"none\", parties: [{organization: \"away-o\", role: LEAD},
        {organization: \"{organization}\", role: PARTNER}]}) { {errors} }"),
    ("ContributionInput.organization", "createCallForProjects(input: {region: \"flandre\", contributions: [
        {organization: \"away-o\", amount: {amount: \"1\", currency: \"EUR\"}}, {organization: \"{organization}\", amount: {amount: \"1\", currency: \"EUR\"}}]}) { {errors} }"),
    ("PartnershipInput.call", "createPartnership(input: {region: \"flandre\", kind: \"none\", call: \"{call}\"}) { {errors} }"),
    ("PartnershipInput.call", "createPartnership(input: {region: \"flandre\", kind: \"none\", call: \"{name}-c\"}) { {errors} }"),
    ("PartnershipInput.event", "createPartnership(input: {region: \"flandre\", kind: \"none\", event: \"{name}-e\"}) { {errors} }"),
    ("CallForProjectsInput.organizers", "createCallForProjects(input: {region: \"flandre\", organizers: [\"away-o\", \"{name}-o\"]}) { {errors} }"),
    ("CallForProjectsInput.slug", "createCallForProjects(input: {region: \"flandre\", sectors: [\"none\"], slug: \"{name}-c\"}) { {errors} }"),
    ("ApplicationInput.applicant", "createApplication(call: \"{public-call}\", input: {applicant: \"{organization}\"}) { {errors} }"),
    ("ApplicationInput.partners", "createApplication(call: \"{public-call}\", input: {partners: [\"away-o\", \"{organization}\"]}) { {errors} }"),
    (
        "InviteAccountInput.organization",
        "inviteAccount(input: {email: \"guest@example.org\", region: \"flandre\", roles: [ADMIN], organization: \"{organization}\"}) { {errors} }",
    ),
    (
        "MembershipInput.organization",
        "addOrganizationMember(input: {account: \"account_01jcr5bbgqekvavmza4yqxn3b1\", organization: \"{organization}\"}) { {errors} }",
    ),
    // Accounts are not records. Administrators of their regions know them.
    (
        "MembershipInput.account",
        "removeOrganizationMember(input: {account: \"account_01jcr5bbgqekvavmza4yqxn3b1\", organization: \"{organization}\"}) { {errors} }",
    ),
    (
        "RoleInput.account",
        "grantRole(input: {account: \"account_01jcr5bbgqekvavmza4yqxn3b1\", role: EDITOR, region: \"flandre\"}) { {errors} }",
    ),
    (
        "ProposeChangeInput.organization",
        "proposeChange(input: {organization: \"{organization}\", change: {}}) { {errors} }",
    ),
    (
        "PushRecordsInput.fullPush",
        "pushRecords(input: {source: \"test-flandre\", idempotencyKey: \"k\", fullPush: \"full_push_01jcr5bbgqekvavmza4yqxn3b1\", records: []}) { {errors} }",
    ),
    // To systems, hidden and absent records look the same, by every kind of name.
    ("AffiliationInput.talent", "pushRecords(input: {source: \"test-flandre\", idempotencyKey: \"k\", dryRun: true, records: [{externalId: \"x\",
        affiliation: {talent: \"{talent}\", organization: \"away-o\", roles: [{language: FR, text: \"r\"}]}}]}) { results { status userErrors { code reason message path } } {errors} }"),
    ("PartnershipPartyInput.organization", "pushRecords(input: {source: \"test-flandre\", idempotencyKey: \"k\", dryRun: true, records: [{externalId: \"x\",
        partnership: {region: \"flandre\", kind: \"co-funding\", parties: [{organization: \"away-o\", role: LEAD}, {organization: \"{name}-o\", role: PARTNER}]}}]}) {
        results { status userErrors { code reason message path } } {errors} }"),
    ("OrganizationInput.successor", "pushRecords(input: {source: \"test-flandre\", idempotencyKey: \"k\", dryRun: true, records: [{externalId: \"x\",
        organization: {region: \"flandre\", name: \"x\", kind: \"fund\", successor: \"test-wallonie:org-{name}-o\"}}]}) { results { status userErrors { code reason message path } } {errors} }"),
    ("OrganizationInput.identifiers", "pushRecords(input: {source: \"test-flandre\", idempotencyKey: \"k\", dryRun: true, records: [{externalId: \"{organization}\",
        organization: {region: \"flandre\", name: \"x\", kind: \"none\", slug: \"{name}-o\", identifiers: [{scheme: SIREN, value: \"{siren}\"}]}}]}) {
        results { status userErrors { code reason message path } } {errors} }"),
    ("OrganizationInput.slug", "createOrganization(input: {region: \"flandre\", name: \"x\", kind: \"none\", slug: \"{name}-o\"}) { {errors} }"),
    ("OrganizationInput.identifiers", "createOrganization(input: {region: \"flandre\", name: \"x\", kind: \"none\", identifiers: [{scheme: SIREN, value: \"{siren}\"}]}) { {errors} }"),
    ("TalentInput.slug", "createTalent(input: {region: \"flandre\", displayName: \"x\", territory: \"none\", slug: \"{name}-t\"}) { {errors} }"),
    ("TalentInput.identifiers", "createTalent(input: {region: \"flandre\", displayName: \"x\", territory: \"none\", identifiers: [{scheme: ISNI, value: \"{isni}\"}]}) { {errors} }"),
    ("EventRegistrationInput.event", "registerForEvent(input: {event: \"{event}\"}) { {errors} }"),
    (
        "EventRegistrationInput.organization",
        "registerForEvent(input: {event: \"event_01jcr5bbgqekvavmza4yqxn3b1\", organization: \"{organization}\"}) { {errors} }",
    ),
    ("EventInput.organizers", "createEvent(input: {region: \"flandre\", kind: \"none\", organizers: [\"{organization}\", \"away-o\"]}) { {errors} }"),
    ("EventInput.partners", "createEvent(input: {region: \"flandre\", kind: \"none\", partners: [\"{name}-o\"]}) { {errors} }"),
    ("EventInput.speakers", "createEvent(input: {region: \"flandre\", kind: \"none\", speakers: [\"{talent}\"]}) { {errors} }"),
    ("EventInput.venueOrganization", "createEvent(input: {region: \"flandre\", kind: \"none\", venueOrganization: \"{organization}\"}) { {errors} }"),
    ("EventInput.parent", "createEvent(input: {region: \"flandre\", kind: \"none\", parent: \"{event}\"}) { {errors} }"),
    ("EventInput.slug", "createEvent(input: {region: \"flandre\", kind: \"none\", slug: \"{name}-e\"}) { {errors} }"),
    ("EventSessionInput.speakers", "createEvent(input: {region: \"flandre\", kind: \"none\", programme: [{kind: \"stand\", speakers: [\"{name}-t\"]}]}) { {errors} }"),
    ("EventSessionInput.organizations", "createEvent(input: {region: \"flandre\", kind: \"none\", programme: [{kind: \"stand\", organizations: [\"{organization}\"]}]}) { {errors} }"),
    ("EventInput.organizers", "pushRecords(input: {source: \"test-flandre\", idempotencyKey: \"k\", dryRun: true, records: [{externalId: \"x\",
        event: {region: \"flandre\", kind: \"market\", titles: [{language: FR, text: \"x\"}], organizers: [\"test-wallonie:org-{name}-o\"], speakers: [\"{talent}\"]}}]}) {
        results { status userErrors { code reason message path } } {errors} }"),
    ("PartnershipInput.slug", "createPartnership(input: {region: \"flandre\", kind: \"none\", slug: \"{name}-p\"}) { {errors} }"),
];

/// Orders. They use only fields visible to all who see the record.
pub(super) const ORDERS: &[(&str, &str)] = &[
    ("OrganizationOrderField", "NAME CREATED_AT UPDATED_AT FOUNDED_ON"),
    ("TalentOrderField", "NAME CREATED_AT UPDATED_AT"),
    ("PartnershipOrderField", "TITLE CREATED_AT UPDATED_AT STARTS_ON"),
    ("CallForProjectsOrderField", "OPENS_AT CLOSES_AT TITLE UPDATED_AT"),
    ("EventOrderField", "STARTS_ON TITLE UPDATED_AT"),
];
