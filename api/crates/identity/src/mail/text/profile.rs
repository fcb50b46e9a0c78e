//! Texts of mails about profiles: invitation, hiding and erasure.

use super::{Texts, Words};

pub(super) const INVITATION: Texts = Texts {
    en: Words {
        subject: "Your profile in the directory of {region}",
        text: "Hello,

the directory ({region}) has a profile of you. Open this link to take it over: from then on you alone decide who sees it and what is in it. The link is good once, for {days} days:

{link}

If you do not know why you receive this message, ignore it, or ask the team of the region: nothing happens without you.",
    },
    fr: Words {
        subject: "Votre profil dans l’annuaire ({region})",
        text: "Bonjour,

l’annuaire ({region}) contient un profil à votre nom. Ouvrez ce lien pour le reprendre : vous seul·e déciderez alors qui le voit et ce qu’il contient. Le lien sert une seule fois, pendant {days} jours :

{link}

Si vous ne savez pas pourquoi vous recevez ce message, ignorez-le ou interrogez l’équipe de la région : rien ne se fait sans vous.",
    },
    nl: Words {
        subject: "Uw profiel in de gids van {region}",
        text: "Hallo,

in de gids ({region}) staat een profiel over u. Open deze link om het over te nemen: dan beslist alleen u wie het ziet en wat erin staat. De link werkt één keer, {days} dagen lang:

{link}

Weet u niet waarom u dit bericht krijgt, negeer het dan of vraag het aan de medewerkers van de regio: zonder u gebeurt er niets.",
    },
    de: Words {
        subject: "Ihr Profil im Verzeichnis ({region})",
        text: "Guten Tag,

im Verzeichnis ({region}) steht ein Profil von Ihnen. Öffnen Sie diesen Link, um es zu übernehmen: Dann entscheiden Sie allein, wer es sieht und was darin steht. Der Link gilt einmal, {days} Tage lang:

{link}

Wenn Sie nicht wissen, warum Sie diese Nachricht erhalten, beachten Sie sie nicht oder fragen Sie das Team der Region: Ohne Sie geschieht nichts.",
    },
};

pub(super) const HIDING: Texts = Texts {
    en: Words {
        subject: "Your profile in the directory of {region}: still right?",
        text: "Hello,

it is a long time since your profile in the directory ({region}) was confirmed. If nobody confirms it, it will be hidden on {on}.

Sign in, look at it, and confirm that it is right:

{link}

If you have no account yet, ask the team of your region for an invitation to take your profile over. If you do not want to be in the directory any more, you need not do anything.",
    },
    fr: Words {
        subject: "Votre profil dans l’annuaire ({region}) : toujours juste ?",
        text: "Bonjour,

votre profil dans l’annuaire ({region}) n’a pas été confirmé depuis longtemps. Si personne ne le confirme, il sera masqué le {on}.

Connectez-vous, relisez-le et confirmez qu’il est juste :

{link}

Si vous n’avez pas encore de compte, demandez à l’équipe de votre région une invitation à reprendre votre profil. Si vous ne souhaitez plus figurer dans l’annuaire, vous n’avez rien à faire.",
    },
    nl: Words {
        subject: "Uw profiel in de gids van {region}: klopt het nog?",
        text: "Hallo,

uw profiel in de gids ({region}) is al lang niet meer bevestigd. Als niemand het bevestigt, wordt het op {on} verborgen.

Meld u aan, bekijk het en bevestig dat het klopt:

{link}

Hebt u nog geen account, vraag dan de medewerkers van uw regio om een uitnodiging om uw profiel over te nemen. Wilt u niet langer in de gids staan, dan hoeft u niets te doen.",
    },
    de: Words {
        subject: "Ihr Profil im Verzeichnis ({region}): stimmt es noch?",
        text: "Guten Tag,

Ihr Profil im Verzeichnis ({region}) wurde lange nicht bestätigt. Wenn es niemand bestätigt, wird es am {on} verborgen.

Melden Sie sich an, sehen Sie es durch und bestätigen Sie, dass es stimmt:

{link}

Wenn Sie noch kein Konto haben, bitten Sie das Team Ihrer Region um eine Einladung, Ihr Profil zu übernehmen. Wenn Sie nicht mehr im Verzeichnis stehen möchten, müssen Sie nichts tun.",
    },
};

pub(super) const ERASURE: Texts = Texts {
    en: Words {
        subject: "Your profile in the directory of {region} will be erased",
        text: "Hello,

your profile in the directory ({region}) is visible to nobody but you and the team of your region, and was not confirmed for a long time. If nobody confirms it, it will be erased on {on}, with all data in it. This cannot be undone.

If you want to keep it, sign in and confirm it:

{link}

If you have no account yet, ask the team of your region for an invitation to take your profile over. If you do not want to be in the directory any more, you need not do anything.",
    },
    fr: Words {
        subject: "Votre profil dans l’annuaire ({region}) sera effacé",
        text: "Bonjour,

votre profil dans l’annuaire ({region}) n’est visible que pour vous et l’équipe de votre région, et n’a pas été confirmé depuis longtemps. Si personne ne le confirme, il sera effacé le {on}, avec toutes ses données. C’est irréversible.

Si vous voulez le garder, connectez-vous et confirmez-le :

{link}

Si vous n’avez pas encore de compte, demandez à l’équipe de votre région une invitation à reprendre votre profil. Si vous ne souhaitez plus figurer dans l’annuaire, vous n’avez rien à faire.",
    },
    nl: Words {
        subject: "Uw profiel in de gids van {region} wordt gewist",
        text: "Hallo,

uw profiel in de gids ({region}) is alleen zichtbaar voor u en de medewerkers van uw regio, en is al lang niet meer bevestigd. Als niemand het bevestigt, wordt het op {on} gewist, met alle gegevens erin. Dat kan niet ongedaan worden gemaakt.

Wilt u het behouden, meld u dan aan en bevestig het:

{link}

Hebt u nog geen account, vraag dan de medewerkers van uw regio om een uitnodiging om uw profiel over te nemen. Wilt u niet langer in de gids staan, dan hoeft u niets te doen.",
    },
    de: Words {
        subject: "Ihr Profil im Verzeichnis ({region}) wird gelöscht",
        text: "Guten Tag,

Ihr Profil im Verzeichnis ({region}) ist nur für Sie und das Team Ihrer Region sichtbar und wurde lange nicht bestätigt. Wenn es niemand bestätigt, wird es am {on} mit allen Daten gelöscht. Das lässt sich nicht rückgängig machen.

Wenn Sie es behalten möchten, melden Sie sich an und bestätigen Sie es:

{link}

Wenn Sie noch kein Konto haben, bitten Sie das Team Ihrer Region um eine Einladung, Ihr Profil zu übernehmen. Wenn Sie nicht mehr im Verzeichnis stehen möchten, müssen Sie nichts tun.",
    },
};

pub(super) const ERASURE_REQUESTED: Texts = Texts {
    en: Words {
        subject: "Your profile in the directory of {region} will be erased on {on}",
        text: "Hello,

you have asked for your profile in the directory ({region}) to be erased. It is hidden from now on, and will be erased on {on}, with all data in it. That cannot be undone.

If you want to keep it, or if it was not you who asked, open this link before that day; it is good once:

{link}

If it was not you, change your password as well. If you want to be erased, you need not do anything.",
    },
    fr: Words {
        subject: "Votre profil dans l’annuaire ({region}) sera effacé le {on}",
        text: "Bonjour,

vous avez demandé l’effacement de votre profil dans l’annuaire ({region}). Il est masqué dès maintenant et sera effacé le {on}, avec toutes ses données. Ce sera irréversible.

Si vous voulez le garder, ou si cette demande ne vient pas de vous, ouvrez ce lien avant cette date ; il sert une seule fois :

{link}

Si cette demande ne vient pas de vous, changez aussi votre mot de passe. Si vous souhaitez l’effacement, vous n’avez rien à faire.",
    },
    nl: Words {
        subject: "Uw profiel in de gids van {region} wordt op {on} gewist",
        text: "Hallo,

u hebt gevraagd uw profiel in de gids ({region}) te wissen. Het is vanaf nu verborgen en wordt op {on} gewist, met alle gegevens erin. Dat kan niet ongedaan worden gemaakt.

Wilt u het behouden, of hebt u dit niet zelf gevraagd, open dan vóór die dag deze link; hij werkt één keer:

{link}

Hebt u dit niet zelf gevraagd, wijzig dan ook uw wachtwoord. Wilt u gewist worden, dan hoeft u niets te doen.",
    },
    de: Words {
        subject: "Ihr Profil im Verzeichnis ({region}) wird am {on} gelöscht",
        text: "Guten Tag,

Sie haben die Löschung Ihres Profils im Verzeichnis ({region}) verlangt. Es ist ab sofort verborgen und wird am {on} mit allen Daten gelöscht. Das lässt sich nicht rückgängig machen.

Wenn Sie es behalten möchten oder die Löschung nicht selbst verlangt haben, öffnen Sie vor diesem Tag diesen Link; er gilt einmal:

{link}

Wenn Sie es nicht waren, ändern Sie auch Ihr Passwort. Wenn Sie gelöscht werden möchten, müssen Sie nichts tun.",
    },
};

pub(super) const ERASURE_BY_STAFF: Texts = Texts {
    en: Words {
        subject: "Your profile in the directory of {region} will be erased on {on}",
        text: "Hello,

the team of the directory ({region}) has decided to erase your profile. It is hidden from now on, and will be erased on {on}, with all data in it. That cannot be undone.

If you want to keep it, open this link before that day; it is good once:

{link}

If you want to be erased, you need not do anything.",
    },
    fr: Words {
        subject: "Votre profil dans l’annuaire ({region}) sera effacé le {on}",
        text: "Bonjour,

l’équipe de l’annuaire ({region}) a décidé d’effacer votre profil. Il est masqué dès maintenant et sera effacé le {on}, avec toutes ses données. Ce sera irréversible.

Si vous voulez le garder, ouvrez ce lien avant cette date ; il sert une seule fois :

{link}

Si vous souhaitez l’effacement, vous n’avez rien à faire.",
    },
    nl: Words {
        subject: "Uw profiel in de gids van {region} wordt op {on} gewist",
        text: "Hallo,

de medewerkers van de gids ({region}) hebben besloten uw profiel te wissen. Het is vanaf nu verborgen en wordt op {on} gewist, met alle gegevens erin. Dat kan niet ongedaan worden gemaakt.

Wilt u het behouden, open dan vóór die dag deze link; hij werkt één keer:

{link}

Wilt u gewist worden, dan hoeft u niets te doen.",
    },
    de: Words {
        subject: "Ihr Profil im Verzeichnis ({region}) wird am {on} gelöscht",
        text: "Guten Tag,

das Team des Verzeichnisses ({region}) hat beschlossen, Ihr Profil zu löschen. Es ist ab sofort verborgen und wird am {on} mit allen Daten gelöscht. Das lässt sich nicht rückgängig machen.

Wenn Sie es behalten möchten, öffnen Sie vor diesem Tag diesen Link; er gilt einmal:

{link}

Wenn Sie gelöscht werden möchten, müssen Sie nichts tun.",
    },
};
