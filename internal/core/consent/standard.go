package consent

import "github.com/cardea-id/cardea/internal/core/catalog"

// standardBasis are the purposes that every tenant has, and what each rests on.
var standardBasis = map[string]Basis{
	catalog.PurposeAccount: ByContract,
	catalog.PurposeSupport: ByContract,
	catalog.PurposePrivacy: ByLegalObligation,
}

// Standard are the purposes that every tenant has. A tenant may publish its own
// form of one, with the same basis.
func Standard() []Purpose {
	out := make([]Purpose, 0, len(standardBasis))
	for _, id := range []string{catalog.PurposeAccount, catalog.PurposeSupport, catalog.PurposePrivacy} {
		out = append(out, Purpose{ID: id, Version: 1, Basis: standardBasis[id], Words: standardWords[id], Standard: true})
	}
	return out
}

var standardWords = map[string]map[string]Words{
	catalog.PurposeAccount: {
		"en": {"Your account", "We use this data to sign you in, to keep your account safe and to show you your account."},
		"de": {"Ihr Konto", "Wir verwenden diese Daten, um Sie anzumelden, Ihr Konto zu schützen und es Ihnen anzuzeigen."},
		"fr": {"Votre compte", "Nous utilisons ces données pour vous connecter, protéger votre compte et vous l’afficher."},
		"es": {"Su cuenta", "Usamos estos datos para iniciar su sesión, proteger su cuenta y mostrársela."},
		"ar": {"حسابك", "نستخدم هذه البيانات لتسجيل دخولك ولحماية حسابك ولعرضه عليك."},
	},
	catalog.PurposeSupport: {
		"en": {"Helping you", "When you ask for help, our staff look at this data to find your account and answer you."},
		"de": {"Hilfe für Sie", "Wenn Sie um Hilfe bitten, sehen unsere Mitarbeitenden diese Daten an, um Ihr Konto zu finden und Ihnen zu antworten."},
		"fr": {"Vous aider", "Lorsque vous demandez de l’aide, notre équipe consulte ces données pour trouver votre compte et vous répondre."},
		"es": {"Ayudarle", "Cuando pide ayuda, nuestro equipo consulta estos datos para encontrar su cuenta y responderle."},
		"ar": {"مساعدتك", "عندما تطلب المساعدة، يطّلع فريقنا على هذه البيانات للعثور على حسابك والرد عليك."},
	},
	catalog.PurposePrivacy: {
		"en": {"Your rights", "We use this data to answer your requests about your data, as the law obliges us to."},
		"de": {"Ihre Rechte", "Wir verwenden diese Daten, um Ihre Anfragen zu Ihren Daten zu beantworten, wozu uns das Gesetz verpflichtet."},
		"fr": {"Vos droits", "Nous utilisons ces données pour répondre à vos demandes concernant vos données, comme la loi nous y oblige."},
		"es": {"Sus derechos", "Usamos estos datos para responder a sus solicitudes sobre sus datos, como nos obliga la ley."},
		"ar": {"حقوقك", "نستخدم هذه البيانات للرد على طلباتك المتعلقة ببياناتك، كما يلزمنا القانون."},
	},
}
