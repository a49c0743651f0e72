() => {
	const found = [];
	const root = document.documentElement, wide = root.clientWidth;
	const name = e => e.outerHTML.replace(/\s+/g, ' ').slice(0, 140);
	const scrolls = e => {
		for (let p = e; p && p !== document.body; p = p.parentElement) {
			if (/auto|scroll|hidden|clip/.test(getComputedStyle(p).overflowX)) return true;
		}
		return false;
	};
	if (root.scrollWidth > wide + 1) {
		found.push({What: `the page scrolls sideways: ${root.scrollWidth} in ${wide}`, Where: ''});
		for (const e of document.body.querySelectorAll('*')) {
			const b = e.getBoundingClientRect();
			if (b.width > 0 && (b.right > wide + 1 || b.left < -1) && e.checkVisibility() && !scrolls(e)) {
				found.push({What: `reaches from ${Math.round(b.left)} to ${Math.round(b.right)}`, Where: name(e)});
			}
			if (found.length > 4) break;
		}
	}
	for (const e of document.querySelectorAll('button, .button, h1, h2, label, .badge, a')) {
		if (!e.checkVisibility() || e.closest('.sr') || e.getBoundingClientRect().width < 2) continue;
		if (e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0 && /hidden|clip/.test(getComputedStyle(e).overflowX) && getComputedStyle(e).textOverflow !== 'ellipsis') {
			found.push({What: `its text is cut off: ${e.scrollWidth} in ${e.clientWidth}`, Where: name(e)});
		}
	}
	return found;
}
