// Passkeys on the pages of the front door (face/login, passkey.go). Those pages work without it, but for passkeys.
//   <button data-passkey="get|create" formaction="…" data-auto …> sends its form there with the browser's answer as
//   "credential"; the options come from …/options.
//   data-auto: begins by itself, too: get in the field of autofill, create without asking (conditional mediation).
//   <input name="passkeys"> learns that this browser makes passkeys; <i data-signal> tells its provider what is known here.
const api = globalThis.PublicKeyCredential, doc = document, buttons = [...doc.querySelectorAll('[data-passkey]')];
// Options are good for five minutes.
const FRESH = 24e4;
const raw = s => Uint8Array.from(atob(s.replace(/-/g, '+').replace(/_/g, '/')), c => c.charCodeAt(0));
const text = b => b && btoa(String.fromCharCode(...new Uint8Array(b))).replace(/\+/g, '-').replace(/\//g, '_').replace(/=/g, '');
const named = list => list?.map(d => ({ ...d, id: raw(d.id) }));
// Browsers and extensions that know no JSON of their own (WebAuthn Level 3, section 5.1).
const parse = (kind, o) => kind === 'create'
	? api.parseCreationOptionsFromJSON?.(o) ?? { ...o, challenge: raw(o.challenge), user: { ...o.user, id: raw(o.user.id) }, excludeCredentials: named(o.excludeCredentials) }
	: api.parseRequestOptionsFromJSON?.(o) ?? { ...o, challenge: raw(o.challenge), allowCredentials: named(o.allowCredentials) };
const write = k => {
	if (k.toJSON) return JSON.stringify(k);
	const r = k.response, response = { transports: r.getTransports?.() };
	for (const name of ['clientDataJSON', 'attestationObject', 'authenticatorData', 'signature', 'userHandle']) if (r[name]) response[name] = text(r[name]);
	return JSON.stringify({ id: k.id, rawId: k.id, type: k.type, authenticatorAttachment: k.authenticatorAttachment ?? undefined,
		clientExtensionResults: k.getClientExtensionResults(), response });
};
const say = words => { const live = doc.getElementById('live'); if (live) live.textContent = words ?? '' };
const put = (form, name, value) => {
	const field = form.elements[name] ?? form.appendChild(Object.assign(doc.createElement('input'), { type: 'hidden', name }));
	field.value = value;
};
let running, sent, caps = {};
// run asks the browser, in the way that how names. One ceremony runs at a time: a new one ends the one before.
const run = async (button, how) => {
	const kind = button.dataset.passkey, quiet = kind === 'create' && !!how.mediation;
	running?.abort();
	const { signal } = running = new AbortController();
	const r = await fetch(button.formAction + '/options' + (quiet ? '?quietly=1' : ''), { method: 'POST', headers: { accept: 'application/json' }, signal });
	// The journey went on elsewhere, or is over.
	if (r.status === 409 || r.status === 410) return how.mediation || location.reload();
	if (!r.ok) throw Error(r.status);
	const publicKey = parse(kind, await r.json()), ask = more => navigator.credentials[kind]({ publicKey, signal, ...more });
	let key;
	if (how.now && kind === 'get' && caps.immediateGet && !publicKey.allowCredentials?.length) {
		// Passkeys of this device at once. If it has none the browser says so without asking anybody, and the others are asked for.
		const began = performance.now();
		key = await ask({ uiMode: 'immediate' }).catch(e => { if (e.name !== 'NotAllowedError' || performance.now() - began > 400) throw e });
	}
	key ??= await ask(how.mediation ? { mediation: how.mediation } : {});
	if (!key || signal.aborted || sent) return;
	put(button.form, 'credential', write(key));
	if (quiet) put(button.form, 'quietly', '1');
	sent = true;
	// The guard against sending twice would take it for sent.
	button.removeAttribute('aria-disabled');
	button.form.requestSubmit(button);
};
// wait offers passkeys in the field of autofill. Its options are fetched anew before they are too old.
let timer;
const wait = button => {
	clearTimeout(timer);
	run(button, { mediation: 'conditional' }).catch(() => {});
	timer = setTimeout(() => doc.hidden ? doc.addEventListener('visibilitychange', () => wait(button), { once: true }) : wait(button), FRESH);
};
const waiting = () => caps.conditionalGet && buttons.find(b => b.dataset.passkey === 'get' && 'auto' in b.dataset);
const press = async button => {
	const { cancelled, failed, exists } = button.dataset;
	clearTimeout(timer);
	button.setAttribute('aria-disabled', 'true');
	say('');
	try {
		await run(button, { now: true });
	} catch (e) {
		if (e.name === 'AbortError') return;
		say(e.name === 'InvalidStateError' && exists || (e.name === 'NotAllowedError' ? cancelled : failed));
		const field = waiting();
		if (field) wait(field);
	} finally { if (!sent) button.removeAttribute('aria-disabled') }
};
const able = async () => {
	caps = await api.getClientCapabilities?.().catch(() => {}) ?? {};
	caps.conditionalGet ??= await api.isConditionalMediationAvailable?.();
	caps.passkeyPlatformAuthenticator ??= await api.isUserVerifyingPlatformAuthenticatorAvailable();
};
const start = async () => {
	addEventListener('click', e => {
		const button = e.target.closest('[data-passkey]');
		if (!button) return;
		e.preventDefault();
		if (button.getAttribute('aria-disabled') !== 'true') press(button);
	});
	for (const s of doc.querySelectorAll('[data-signal]')) api[s.dataset.signal]?.(JSON.parse(s.dataset.told)).catch(() => {});
	await able().catch(() => {});
	if (caps.passkeyPlatformAuthenticator) for (const field of doc.querySelectorAll('[name=passkeys]')) field.value = '1';
	const field = waiting(), made = buttons.find(b => b.dataset.passkey === 'create' && 'auto' in b.dataset);
	if (field) wait(field);
	else if (made && caps.conditionalCreate) run(made, { mediation: 'conditional' }).catch(() => {});
	// What was running when the page was left does not come back with it.
	addEventListener('pageshow', e => { sent &&= !e.persisted; if (e.persisted && field) wait(field) });
};
if (api) start();
else for (const b of buttons) (b.closest('[data-passkeys]') ?? b).hidden = true;
