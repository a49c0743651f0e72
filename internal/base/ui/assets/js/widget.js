// Loads the check of a company that the operator chose (face/login, Widget). The page's policy names where it may come from.
for (const box of document.querySelectorAll('[data-widget]')) {
	const script = document.createElement('script');
	script.src = box.dataset.widget;
	if (box.dataset.integrity) {
		script.integrity = box.dataset.integrity;
		script.crossOrigin = 'anonymous';
		script.type = 'module';
	}
	document.head.append(script);
}
