() => {
	const list = [performance.getEntriesByType('navigation')[0], ...performance.getEntriesByType('resource')]
		.filter(e => e.name.startsWith('http'));
	const path = e => new URL(e.name).pathname;
	const text = e => e.entryType === 'navigation' || /\.(css|js)$/.test(path(e));
	const sum = (l, of) => l.reduce((n, e) => n + of(e), 0);
	return {
		Requests: list.length,
		Bytes: sum(list, e => e.transferSize),
		Text: sum(list.filter(text), e => e.encodedBodySize),
		FontBytes: sum(list.filter(e => /\.woff2$/.test(path(e))), e => e.encodedBodySize),
		Bad: list.filter(e => e.responseStatus >= 400).length,
		Paint: watched.paint, Shift: watched.shift, LongestTask: watched.task,
		Listed: list.map(e => path(e) + ' ' + e.transferSize),
	};
}
