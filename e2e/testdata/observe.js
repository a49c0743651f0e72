window.watched = {paint: 0, shift: 0, task: 0};
new PerformanceObserver(l => { for (const e of l.getEntries()) watched.paint = e.startTime; }).observe({type: 'largest-contentful-paint', buffered: true});
new PerformanceObserver(l => { for (const e of l.getEntries()) if (!e.hadRecentInput) watched.shift += e.value; }).observe({type: 'layout-shift', buffered: true});
new PerformanceObserver(l => { for (const e of l.getEntries()) watched.task = Math.max(watched.task, e.duration); }).observe({type: 'longtask', buffered: true});
