// Marks the page and notes where everything stands. `watch.moved()` tells what stands elsewhere although it was not
// replaced, and whether the page itself moved. Lists of news grow at their top, and what holds one grows with it.
window.__mark = 'same page';
window.watch?.observer.disconnect();
const replaced = new Set(), boxes = new Map(), top = scrollY;
const grows = e => e.matches('[data-top]') || e.querySelector('[data-top]');
const box = e => {
  const b = e.getBoundingClientRect();
  return [b.x + scrollX, b.y + scrollY, b.width, grows(e) ? 1 : b.height].map(Math.round).join(' ');
};
for (const e of document.querySelectorAll('[id]:not([data-top] *)')) boxes.set(e.id, box(e));
const observer = new MutationObserver(list => list.forEach(change => change.addedNodes.forEach(e => e.id && replaced.add(e.id))));
observer.observe(document.body, { childList: true, subtree: true });
const inside = e => [...replaced].some(id => document.getElementById(id)?.contains(e));
window.watch = {
  observer, replaced,
  moved() {
    const moved = [];
    if (window.__mark !== 'same page') moved.push('the page was loaded anew');
    if (scrollY !== top) moved.push(`scrolled from ${top} to ${scrollY}`);
    if (!replaced.size) moved.push('nothing was replaced');
    for (const [id, before] of boxes) {
      const e = document.getElementById(id);
      if (!e) moved.push(`#${id} is gone`);
      else if (!inside(e) && box(e) !== before && before !== '0 0 0 0') moved.push(`#${id} from ${before} to ${box(e)}`);
    }
    return moved;
  },
};
