// Pages work without this file. It adds: frames (swap #id from the same full page), copying, showing
// a password, a guard against sending twice, the countdown before a new code can be sent.
const doc = document, root = doc.documentElement;
// The one policy of a page: it makes pages of our own answers, and workers of our own files.
const trust = { createHTML: s => s, createScriptURL: s => { if (new URL(s, location).origin === location.origin) return s; throw TypeError(s) } };
const policy = globalThis.trustedTypes?.createPolicy('app', trust) ?? trust;
export const script = url => policy.createScriptURL(url);
const say = text => { const live = doc.getElementById('live'); if (live) live.textContent = text };
root.classList.add('js');
const here = () => location.pathname + location.search;
let pending, shown = here();
export async function frame(id, url, { push = true, focus = true } = {}) {
	const old = doc.getElementById(id);
	if (!old) return location.assign(url);
	pending?.abort();
	pending = new AbortController();
	old.setAttribute('aria-busy', 'true');
	try {
		const r = await fetch(url, { signal: pending.signal, headers: { accept: 'text/html' } });
		const page = new DOMParser().parseFromString(policy.createHTML(await r.text()), 'text/html');
		const fresh = page.getElementById(id);
		if (!r.ok || !fresh || new URL(r.url).pathname !== new URL(url, location).pathname) return location.assign(r.url);
		old.replaceWith(fresh);
		doc.title = page.title;
		if (push) history.pushState({ id }, '', r.url);
		shown = here();
		say(fresh.dataset.announce || doc.title);
		if (focus && fresh.dataset.focus) fresh.querySelector(fresh.dataset.focus)?.focus();
	} catch (e) { if (e.name !== 'AbortError') location.assign(url) }
}
const target = form => { const u = new URL(form.action); u.search = new URLSearchParams(new FormData(form)); return u.href };
const hide = (button, input, shown) => {
	input.type = shown ? 'text' : 'password';
	button.setAttribute('aria-pressed', shown);
	button.textContent = shown ? button.dataset.hide : button.dataset.show;
};
addEventListener('click', async e => {
	const at = s => e.target.closest(s);
	const link = at('a[data-frame]');
	if (link && !e.defaultPrevented && !e.button && !e.metaKey && !e.ctrlKey && !e.shiftKey && !link.target) {
		e.preventDefault();
		frame(link.dataset.frame, link.href);
	}
	const copy = at('[data-copy]');
	if (copy) {
		try { await navigator.clipboard.writeText(copy.dataset.copy); say(copy.dataset.copied) } catch { getSelection().selectAllChildren(copy.previousElementSibling) }
	}
	const reveal = at('[data-reveal]');
	if (reveal) {
		const input = doc.getElementById(reveal.dataset.reveal), shown = input.type === 'password';
		hide(reveal, input, shown);
		say(shown ? reveal.dataset.shown : reveal.dataset.hidden);
	}
});
addEventListener('submit', e => {
	const form = e.target, button = e.submitter;
	if (e.defaultPrevented) return;
	if (form.method === 'get') {
		if (form.dataset.frame) { e.preventDefault(); frame(form.dataset.frame, target(form)) }
		return;
	}
	if (form.dataset.sent || button?.getAttribute('aria-disabled') === 'true') return e.preventDefault();
	form.dataset.sent = 1;
	for (const b of form.querySelectorAll('[data-reveal]')) hide(b, doc.getElementById(b.dataset.reveal), false);
	if (!button) return;
	button.setAttribute('aria-disabled', 'true');
	if (button.dataset.wait) { button.dataset.text = button.textContent; say(button.textContent = button.dataset.wait) }
});
addEventListener('pageshow', () => {
	for (const form of doc.querySelectorAll('form[data-sent]')) {
		delete form.dataset.sent;
		for (const b of form.querySelectorAll('[data-text]')) b.textContent = b.dataset.text;
		for (const b of form.querySelectorAll('[aria-disabled]')) b.removeAttribute('aria-disabled');
	}
});
let typing;
addEventListener('input', e => {
	const form = e.target.form;
	if (!form?.matches('form[data-frame][data-live]')) return;
	clearTimeout(typing);
	typing = setTimeout(() => frame(form.dataset.frame, target(form), { push: false, focus: false }), +form.dataset.live || 200);
});
// A jump within the page is a popstate too: it shows nothing new.
addEventListener('popstate', e => e.state?.id ? frame(e.state.id, location.href, { push: false }) : here() !== shown && location.reload());
for (const button of doc.querySelectorAll('[data-resend]')) {
	const text = button.textContent, until = Date.now() + 1000 * button.dataset.resend;
	button.setAttribute('aria-disabled', 'true');
	const tick = setInterval(() => {
		const left = Math.ceil((until - Date.now()) / 1000);
		if (left > 0) return button.textContent = button.dataset.in.replace('%s', `${left / 60 | 0}:${String(left % 60).padStart(2, '0')}`);
		clearInterval(tick);
		button.textContent = text;
		button.removeAttribute('aria-disabled');
	}, 250);
}
for (const b of doc.querySelectorAll('[data-reveal]')) b.hidden = false;
doc.querySelector('.summary')?.focus();
