//! Texts of mails about applications to calls for projects.

use super::{Texts, Words};

pub(super) const RECEIVED: Texts = Texts {
    en: Words {
        subject: "Your application was received",
        text: "Hello,

an application of your organization to a call for projects was received. You can read it, change it until the call closes, or take it back:

{link}

You will be told what the funders decide.",
    },
    fr: Words {
        subject: "Votre candidature a été reçue",
        text: "Bonjour,

une candidature de votre organisation à un appel à projets a été reçue. Vous pouvez la relire, la modifier jusqu’à la clôture de l’appel, ou la retirer :

{link}

Vous serez informé·e de ce que décident les financeurs.",
    },
    nl: Words {
        subject: "Uw aanvraag is ontvangen",
        text: "Hallo,

een aanvraag van uw organisatie voor een projectoproep is ontvangen. U kunt ze nalezen, wijzigen tot de oproep sluit, of intrekken:

{link}

U verneemt wat de financiers beslissen.",
    },
    de: Words {
        subject: "Ihr Antrag ist eingegangen",
        text: "Guten Tag,

ein Antrag Ihrer Organisation zu einem Projektaufruf ist eingegangen. Sie können ihn nachlesen, bis zum Ende des Aufrufs ändern oder zurückziehen:

{link}

Sie erfahren, was die Geldgeber entscheiden.",
    },
};

pub(super) const AWARDED: Texts = Texts {
    en: Words {
        subject: "Your application: a funder has decided to give money",
        text: "Hello,

a funder has awarded money to an application of your organization to a call for projects. Read how much, and what was said to it:

{link}",
    },
    fr: Words {
        subject: "Votre candidature : un financeur accorde une aide",
        text: "Bonjour,

un financeur accorde une aide à une candidature de votre organisation à un appel à projets. Lisez le montant et ce qui en est dit :

{link}",
    },
    nl: Words {
        subject: "Uw aanvraag: een financier kent steun toe",
        text: "Hallo,

een financier heeft steun toegekend aan een aanvraag van uw organisatie voor een projectoproep. Lees hoeveel, en wat erbij werd gezegd:

{link}",
    },
    de: Words {
        subject: "Ihr Antrag: Ein Geldgeber hat Förderung bewilligt",
        text: "Guten Tag,

ein Geldgeber hat einem Antrag Ihrer Organisation zu einem Projektaufruf Förderung bewilligt. Lesen Sie, wie viel, und was dazu gesagt wurde:

{link}",
    },
};

pub(super) const REJECTED: Texts = Texts {
    en: Words {
        subject: "Your application was not accepted",
        text: "Hello,

the funders have decided on an application of your organization to a call for projects: they do not support it. Read what was said to it:

{link}",
    },
    fr: Words {
        subject: "Votre candidature n’a pas été retenue",
        text: "Bonjour,

les financeurs se sont prononcés sur une candidature de votre organisation à un appel à projets : ils ne la soutiennent pas. Lisez ce qui en est dit :

{link}",
    },
    nl: Words {
        subject: "Uw aanvraag is niet aanvaard",
        text: "Hallo,

de financiers hebben beslist over een aanvraag van uw organisatie voor een projectoproep: ze steunen ze niet. Lees wat erbij werd gezegd:

{link}",
    },
    de: Words {
        subject: "Ihr Antrag wurde nicht angenommen",
        text: "Guten Tag,

die Geldgeber haben über einen Antrag Ihrer Organisation zu einem Projektaufruf entschieden: Sie fördern ihn nicht. Lesen Sie, was dazu gesagt wurde:

{link}",
    },
};

pub(super) const CALL_CLOSES: Texts = Texts {
    en: Words {
        subject: "A call for projects closes on {at}",
        text: "Hello,

a call for projects that your region funds closes on {at}. Applications that were submitted: {submissions}. Drafts that were not submitted yet: {drafts}.

{link}",
    },
    fr: Words {
        subject: "Un appel à projets se clôt le {at}",
        text: "Bonjour,

un appel à projets que finance votre région se clôt le {at}. Candidatures déposées : {submissions}. Brouillons pas encore déposés : {drafts}.

{link}",
    },
    nl: Words {
        subject: "Een projectoproep sluit op {at}",
        text: "Hallo,

een projectoproep die uw regio financiert, sluit op {at}. Ingediende aanvragen: {submissions}. Ontwerpen die nog niet zijn ingediend: {drafts}.

{link}",
    },
    de: Words {
        subject: "Ein Projektaufruf endet am {at}",
        text: "Guten Tag,

ein Projektaufruf, den Ihre Region mitfinanziert, endet am {at}. Eingereichte Anträge: {submissions}. Entwürfe, die noch nicht eingereicht sind: {drafts}.

{link}",
    },
};
