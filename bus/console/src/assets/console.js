// Elements are replaced by id; a panel in use keeps still.
const time = Date.parse, d = document, b = d.body, id = x => d.getElementById(x), wait = setTimeout, on = addEventListener;
const all = (s, e = d) => [...e.querySelectorAll(s)], one = (s, e = d) => e.querySelector(s);
const plain = { createHTML: s => s }, policy = window.trustedTypes?.createPolicy('entente', plain) || plain;
const make = s => { const t = d.createElement('template'); t.innerHTML = policy.createHTML(s); return t.content.firstChild; };
const set = (e, text) => { if (e.textContent !== text) e.textContent = text; };
const act = () => d.activeElement, tick = () => performance.now(), now = () => base + tick();

// By the server's clock.
let base = time(b.dataset.at) - tick();
const clock = t => new Date(t).toISOString().slice(11, 19), age = ms => {
 const s = ms / 1e3 | 0, m = s / 60 | 0, h = m / 60 | 0, r = h % 24, n = m % 60;
 return m < 1 ? s + ' s' : h < 1 ? m + ' min' : h > 23 ? (h / 24 | 0) + ' d' + (r ? ` ${r} h` : '') : h + ' h' + (n ? ` ${n < 10 ? 0 : ''}${n} min` : '');
};
const ages = e => all('[data-age]', e).forEach(t => set(t, age(Math.abs(now() - time(t.dateTime)))));

let paused, told = -1e9, due;
const rests = (matchMedia('(hover)').matches ? ':hover,' : '') + ':focus-within', kept = new Map(), fresh = new Map();
const held = e => {
 const p = e.closest('.panel'), s = getSelection();
 return paused || p && (p.matches(rests) || !s.isCollapsed && p.contains(s.anchorNode));
};
const put = m => {
 kept.delete(m.id);
 const old = id(m.id), e = make(m.html), { now: urgent, o, quiet } = e.dataset, situ = m.id === 'situ';
 if (!old) return fresh.set(m.id, e), later();
 if (situ && tick() - told < 1e4 || held(old) && urgent == null && o == null) return kept.set(m.id, m);
 if (situ) told = tick();
 ages(e);
 if (quiet == null && old.textContent !== e.textContent) e.classList.add('flash');
 const had = old.contains(act());
 old.replaceWith(e);
 if (had) (one('a', e) || e).focus({ preventScroll: true });
 if (o != null) later();
};

const later = () => { clearTimeout(due); due = wait(() => all('[data-o]').forEach(order), 60); };
const order = o => {
 const list = id(o.id.slice(2)), want = o.dataset.o.split(' ').filter(x => id(x) || fresh.has(x));
 const have = all(':scope > [id]', list).map(e => e.id), gone = have.filter(x => !want.includes(x));
 const n = want.filter(x => !have.includes(x)).length + gone.length || +('' + want !== '' + have);
 const head = one('header', o.closest('.panel')), show = () => {
  gone.forEach(x => id(x).remove());
  want.forEach((x, i) => { const e = fresh.get(x) || id(x), c = list.children[i]; fresh.delete(x); ages(e); if (c !== e) list.insertBefore(e, c); });
  order(o);
 };
 if (list.dataset.top && n && !held(list)) return show();
 one('.fresh', head)?.remove();
 if (!n) return;
 head.append(make(`<button class="btn fresh">${n} change${n > 1 ? 's' : ''}, show</button>`));
 head.lastChild.onclick = show;
};

const pill = id('mode');
let es, lost = time(pill.dataset.lost), heard = tick(), pause = 1e3, at, stuck;
const mode = () => {
 if (!es) return;
 pill.className = 'mode' + (lost || stuck ? ' lost' : paused ? ' paused' : '');
 set(one('span', pill), stuck ? 'Too far behind' : lost ? 'Not live since ' + clock(lost) : paused ? `Paused, ${kept.size} waiting` : 'Live');
 b.classList.toggle('stale-all', !!lost && now() - lost > 3e4);
};
const connect = () => {
 const u = new URL(b.dataset.live, location);
 if (at) u.searchParams.set('as_of', at);
 es = new EventSource(u);
 es.onmessage = e => { heard = tick(); if (e.lastEventId) set(id('position'), at = e.lastEventId); put(JSON.parse(e.data)); };
 es.addEventListener('beat', e => {
  base = time(JSON.parse(e.data).at) - tick();
  if (/"live"/.test(e.data)) { heard = tick(); lost = 0; pause = 1e3; }
 });
 es.addEventListener('reload', () => id('again').hidden = !(stuck = 1));
 es.onerror = () => es.readyState > 1 && wait(connect, pause * (.5 + Math.random()), pause = Math.min(pause * 2, 3e4));
};
if (b.dataset.live) connect(), setInterval(() => {
 if (!lost && tick() - heard > 1e4) lost = base + heard;
 if (!lost) set(id('clock'), clock(now())), ages();
 [...kept.values()].forEach(put);
 later();
 mode();
}, 1e3);

const open = x => { if (x) x.open = 1, one('textarea,[type=text]', x).focus(); }, say = k => () => open(id('say-' + k));
on('click', e => {
 const a = e.target.closest('a');
 if (a?.matches('[href^="#say-"]')) open(id(a.hash.slice(1)));
 if (!a?.matches('[data-copy]') || !navigator.clipboard) return;
 e.preventDefault();
 fetch(a).then(r => r.text()).then(t => navigator.clipboard.writeText(t)).then(() => set(a, 'Copied ' + clock(now())), () => location = a);
});
on('submit', ({ submitter: s }) => wait(() => { s.disabled = 1; wait(() => s.disabled = 0, 3e3); }));

const letters = id('letters'), go = s => () => one(s)?.click(), step = n => () => { const r = all('th a'); r[Math.max(0, r.indexOf(act()) + n)]?.focus(); };
letters.checked = !localStorage.off;
letters.onchange = () => localStorage.off = letters.checked ? '' : 1;
const move = (x, y) => () => {
 let c = act().closest('td'), a;
 while (c && !a) c = c.closest('table').rows[c.parentNode.rowIndex + y]?.cells[c.cellIndex + x], a = c && one('a', c);
 a?.focus();
};
let g = -1e9;
const keys = {
 '?': () => id('help').showModal(), '/': () => one('.facets a')?.focus(), p: () => mode(paused = !paused),
 j: step(1), k: step(-1), a: say('request'), c: say('commitment'), n: say('note'), e: () => id('why')?.scrollIntoView(),
 g: () => g = tick(), gb: go('.nav a'), gi: go('#incidents a'), gf: go('.nav :last-child'),
 ArrowLeft: move(-1, 0), ArrowRight: move(1, 0), ArrowUp: move(0, -1), ArrowDown: move(0, 1),
 Escape: () => { id('help').close(); all('.say').forEach(x => x.open = 0); act().blur(); },
};
on('keydown', e => {
 const k = (tick() - g < 1500 ? 'g' : '') + e.key, n = k.length;
 if (e.ctrlKey || e.metaKey || e.altKey || !keys[k] ||
  n < 3 && (k !== '?' && !letters.checked || e.target.closest('[type=text],textarea,select')) || n > 6 && !act().closest('.cell')) return;
 e.preventDefault();
 g = -1e9;
 keys[k]();
});
