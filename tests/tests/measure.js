// A page's measures: no sideways scroll, one heading of the first rank, contrast of every text, size of every target.
// Arguments: the screen's width, the least size of a target. Returns what is not as it should be, in words.
const [width, least] = arguments, found = [];
const name = e => e.tagName.toLowerCase() + (e.id ? '#' + e.id : '') + [...e.classList].map(c => '.' + c).join('');
const place = e => [e.parentElement?.parentElement, e.parentElement, e].filter(Boolean).map(name).join(' > ');
const say = (what, e) => found.push(`${what}: ${place(e)} "${e.textContent.trim().replace(/\s+/g, ' ').slice(0, 60)}"`);

if (document.documentElement.scrollWidth > width) {
  found.push(`scrolls sideways: ${document.documentElement.scrollWidth} px wide`);
  for (const e of document.querySelectorAll('body *')) {
    const box = e.getBoundingClientRect();
    if (box.width && box.right > width + 1) say(`reaches to ${Math.round(box.right)}`, e);
  }
}
if (document.querySelectorAll('h1').length !== 1) found.push(`${document.querySelectorAll('h1').length} h1`);
for (const section of document.querySelectorAll('section')) {
  const label = section.getAttribute('aria-label') || document.getElementById(section.getAttribute('aria-labelledby'))?.textContent;
  if (!label) say('no label', section);
}
for (const head of document.querySelectorAll('th')) if (!head.scope) say('no scope', head);
for (const figure of document.querySelectorAll('svg[role=img]')) if (!figure.querySelector('title')) say('no title', figure);

// Any notation of a colour, as red, green, blue and opacity of 0 to 1.
const pen = Object.assign(document.createElement('canvas'), { width: 1, height: 1 }).getContext('2d', { willReadFrequently: true });
const known = new Map();
const colour = text => {
  if (!known.has(text)) {
    pen.clearRect(0, 0, 1, 1);
    pen.fillStyle = text;
    pen.fillRect(0, 0, 1, 1);
    known.set(text, [...pen.getImageData(0, 0, 1, 1).data].map(part => part / 255));
  }
  return known.get(text);
};
const over = (top, ground) => top.slice(0, 3).map((part, i) => part * top[3] + ground[i] * (1 - top[3]));
const light = rgb => {
  const [r, g, b] = rgb.map(part => part <= .04045 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4);
  return .2126 * r + .7152 * g + .0722 * b;
};
const ratio = (a, b) => {
  const [high, low] = [light(a), light(b)].sort((x, y) => y - x);
  return (high + .05) / (low + .05);
};
const ground = e => {
  const above = [];
  for (let at = e; at; at = at.parentElement) above.push(colour(getComputedStyle(at).backgroundColor));
  return above.reverse().reduce((below, top) => over(top, below), [1, 1, 1]);
};
const opacity = e => { let all = 1; for (let at = e; at; at = at.parentElement) all *= +getComputedStyle(at).opacity; return all; };
const shown = e => {
  const box = e.getBoundingClientRect();
  return e.checkVisibility({ opacityProperty: true, visibilityProperty: true }) && box.width > 1 && box.height > 1;
};

const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), tried = new Set();
let lowest = 99;
while (texts.nextNode()) {
  const e = texts.currentNode.parentElement;
  if (!texts.currentNode.textContent.trim() || tried.has(e) || !shown(e)) continue;
  tried.add(e);
  const style = getComputedStyle(e), below = ground(e), ink = [...colour(e.closest('svg') ? style.fill : style.color)];
  ink[3] *= opacity(e);
  const contrast = ratio(over(ink, below), below);
  lowest = Math.min(lowest, contrast);
  if (contrast < 4.5) say(`contrast ${contrast.toFixed(2)} of ${style.color} on ${getComputedStyle(e).backgroundColor}`, e);
  if (parseFloat(style.fontSize) < 11) say(`type of ${style.fontSize}`, e);
}
if (tried.size < 10) found.push(`only ${tried.size} texts`);

// A link within a sentence is as high as its line; every other target can be hit anywhere in a square of the least size.
const inSentence = e => getComputedStyle(e).display === 'inline'
  && [...e.parentElement.childNodes].some(n => n !== e && n.nodeType === Node.TEXT_NODE && /\w/.test(n.textContent));
const hits = (e, x, y) => {
  const at = document.elementFromPoint(x, y);
  return at && (e.contains(at) || at.contains(e) && at.closest('label')?.control === e || at.closest('label')?.control === e);
};
for (const e of document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary')) {
  // What is written beside a box to tick can be hit as well.
  const whole = e.type === 'checkbox' && e.closest('label') || e;
  if (!shown(e) || inSentence(e) || e.matches('.skip')) continue;
  e.scrollIntoView({ block: 'center', inline: 'center', behavior: 'instant' });
  const box = whole.getBoundingClientRect(), x = box.x + box.width / 2, y = box.y + box.height / 2, half = least / 2 - 1;
  const free = (dx, dy) => box[dx ? 'width' : 'height'] >= least || hits(e, x + dx, y + dy);
  if (![[half, 0], [-half, 0], [0, half], [0, -half]].every(([dx, dy]) => free(dx, dy)))
    say(`target of ${Math.round(box.width)} x ${Math.round(box.height)}`, e);
}
scrollTo(0, 0);
return found;
