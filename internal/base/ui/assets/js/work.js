// A proof of work, done by the browser while the page is read (core/risk, Work). This file is both the page's part, which
// starts a worker when the page is idle and puts the solution into the form, and the worker itself. Without it the form works.
const PUZZLES = 16;
const K = new Uint32Array(64), H = new Uint32Array(8);
// FIPS 180-4: the first bits of the fractions of the roots of the first primes. 2^32 times a root does not fit a double
// exactly, so roots are found by whole numbers.
const root = (n, power) => {
	let low = 0n, high = 1n << 40n;
	const of = n << BigInt(32 * power);
	while (low < high) {
		const mid = (low + high + 1n) >> 1n;
		if (mid ** BigInt(power) <= of) low = mid; else high = mid - 1n;
	}
	return Number(low & 0xffffffffn);
};
const fill = () => {
	for (let n = 2, count = 0; count < 64; n++) {
		let prime = true;
		for (let d = 2; d * d <= n; d++) if (n % d === 0) prime = false;
		if (!prime) continue;
		if (count < 8) H[count] = root(BigInt(n), 2);
		K[count++] = root(BigInt(n), 3);
	}
};
// first is the first word of SHA-256 over the ten words at the front of w: one block, with its padding already in place.
const first = w => {
	for (let i = 16; i < 64; i++) {
		const x = w[i - 15], y = w[i - 2];
		const s0 = (x >>> 7 | x << 25) ^ (x >>> 18 | x << 14) ^ x >>> 3;
		const s1 = (y >>> 17 | y << 15) ^ (y >>> 19 | y << 13) ^ y >>> 10;
		w[i] = w[i - 16] + s0 + w[i - 7] + s1;
	}
	let a = H[0] | 0, b = H[1] | 0, c = H[2] | 0, d = H[3] | 0, e = H[4] | 0, f = H[5] | 0, g = H[6] | 0, h = H[7] | 0;
	for (let i = 0; i < 64; i++) {
		const s1 = (e >>> 6 | e << 26) ^ (e >>> 11 | e << 21) ^ (e >>> 25 | e << 7);
		const t = h + s1 + (e & f ^ ~e & g) + K[i] + w[i] | 0;
		const s0 = (a >>> 2 | a << 30) ^ (a >>> 13 | a << 19) ^ (a >>> 22 | a << 10);
		const u = s0 + (a & b ^ a & c ^ b & c) | 0;
		h = g; g = f; f = e; e = d + t | 0; d = c; c = b; b = a; a = t + u | 0;
	}
	return a + H[0] >>> 0;
};
const bytes = text => Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), c => c.charCodeAt(0));
const text = raw => btoa(String.fromCharCode(...raw)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
export const solve = task => {
	if (!K[0]) fill();
	const raw = bytes(task), zeros = 32 - (raw[1] - 4);
	const seed = new DataView(raw.buffer, raw.length - 32), w = new Uint32Array(64);
	const out = new DataView(new ArrayBuffer(4 * PUZZLES));
	for (let i = 0; i < 8; i++) w[i] = seed.getUint32(4 * i);
	w[10] = 0x80000000;
	w[15] = 320;
	for (let puzzle = 0; puzzle < PUZZLES; puzzle++) {
		w[8] = puzzle;
		w[9] = 0;
		while (first(w) >>> zeros) w[9]++;
		out.setUint32(4 * puzzle, w[9]);
	}
	return text(new Uint8Array(out.buffer));
};
// attend looks after one form: data-work is the task, data-for the value of the button that needs it (any, if there is
// none), data-wait how many seconds a submit may be held back for it, data-busy what the button says meanwhile.
const attend = field => {
	const form = field.form;
	let worker, begun = false, busy = true, held;
	const done = solution => {
		if (!busy) return;
		field.value = solution;
		busy = false;
		worker?.terminate();
		held?.();
	};
	const start = async () => {
		if (begun) return;
		begun = true;
		try {
			const { script } = await import('./enhance.js');
			worker = new Worker(script(import.meta.url), { type: 'module' });
			worker.onmessage = e => done(e.data);
			worker.onerror = () => done('');
			worker.postMessage(field.dataset.work);
		} catch { done('') }
	};
	// In the capturing phase: the guard against sending twice comes after.
	addEventListener('submit', e => {
		const button = e.submitter;
		if (e.target !== form || !busy || field.dataset.for && button?.value !== field.dataset.for) return;
		e.preventDefault();
		if (held) return;
		start();
		const words = [...button?.childNodes ?? []], live = document.getElementById('live');
		const timer = setTimeout(() => done(''), 1000 * field.dataset.wait);
		button?.setAttribute('aria-disabled', 'true');
		button?.replaceChildren(field.dataset.busy);
		if (live) live.textContent = field.dataset.busy;
		held = () => {
			clearTimeout(timer);
			button?.removeAttribute('aria-disabled');
			button?.replaceChildren(...words);
			form.requestSubmit(button);
		};
	}, true);
	// A window that is out of sight may never be idle.
	globalThis.requestIdleCallback ? requestIdleCallback(start, { timeout: 500 }) : setTimeout(start);
};
if (globalThis.document) for (const field of document.querySelectorAll('input[data-work]')) attend(field);
else globalThis.onmessage = e => postMessage(solve(e.data));
