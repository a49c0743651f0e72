(least) => {
	const found = [];
	const inText = e => {
		if (e.tagName !== 'A' && e.tagName !== 'BUTTON') return false;
		const around = e.parentElement;
		if (!around || getComputedStyle(e).display !== 'inline') return false;
		const rest = around.innerText.replace(e.innerText, '').trim();
		return rest.length > 1 && around.matches('p, li, span, label, dd, td, small, div');
	};
	const controls = 'a[href], button, input:not([type=hidden]), select, textarea, summary, [role=button], [role=switch], [role=checkbox]';
	for (const e of document.querySelectorAll(controls)) {
		if (!e.checkVisibility({checkOpacity: false}) || inText(e)) continue;
		let box = e.getBoundingClientRect();
		if (box.width < 2 || e.closest('.sr')) continue;
		if (e.matches('input[type=checkbox], input[type=radio]')) {
			const label = e.closest('label') || (e.id && document.querySelector(`label[for="${CSS.escape(e.id)}"]`));
			if (label) {
				const l = label.getBoundingClientRect();
				box = {width: Math.max(box.right, l.right) - Math.min(box.left, l.left), height: Math.max(box.height, l.height, Math.max(box.bottom, l.bottom) - Math.min(box.top, l.top))};
			}
		}
		// The skip link only has a size while it has the focus.
		if (e.getBoundingClientRect().bottom <= 0) continue;
		if (box.width + .5 < least || box.height + .5 < least) {
			found.push({What: `${Math.round(box.width)}x${Math.round(box.height)} is smaller than ${least}`, Where: e.outerHTML.replace(/\s+/g, ' ').slice(0, 140)});
		}
	}
	return found;
}
