// What stands around every page: the bar with who is signed in, and the place where changes are said aloud.
//
// Must never: draw a page for somebody who is not known.

import { me, signOut } from './api.js';
import { el, fill, say } from './dom.js';
import { sentence } from './words.js';

const PAGES = [['/', 'Overview'], ['/check', 'Roll call'], ['/evidence', 'Evidence']];
const THEMES = { system: 'System', light: 'Light', dark: 'Dark' };

/** Says something to whoever cannot see it. */
export const announce = (text) => say(document.getElementById('said'), text);

function themeSwitch() {
  const select = el('select', { 'aria-label': 'Colours', onchange: () => globalThis.softlandingTheme.set(select.value) },
    Object.entries(THEMES).map(([value, words]) => el('option', { value, selected: value === globalThis.softlandingTheme.get() }, words)));
  return select;
}

function bar(known) {
  const link = ([path, words]) => el('a', { href: path, 'aria-current': location.pathname === path ? 'page' : null }, words);
  const out = el('button', { class: 'small', type: 'button', onclick: () => signOut().catch((error) => toast(error.message, 'alarm')) }, 'Sign out');
  fill(document.getElementById('bar'),
    el('a', { class: 'brand', href: '/' }, el('img', { src: '/assets/icon.svg', alt: '', width: 24, height: 24 }), 'softlanding'),
    el('nav', { 'aria-label': 'Pages' }, PAGES.map(link)),
    el('div', { class: 'me' }, themeSwitch(), el('span', { id: 'who' }, known.name, ' · ', known.role), known.via === 'session' ? out : null));
}

/** A note in the corner, said aloud as well; it goes by itself, or when the next one comes. */
export function toast(text, tone = 'calm') {
  document.querySelector('.toast')?.remove();
  const note = el('p', { class: `notice toast ${tone}` }, text);
  document.getElementById('main').append(note);
  announce(text);
  setTimeout(() => note.remove(), 8_000);
}

function trouble(error) {
  const hint = error.advice ? el('p', {}, sentence(error.advice)) : null;
  return el('div', { class: 'notice trouble', role: 'alert' }, el('p', {}, el('strong', {}, 'This page cannot be shown: '), error.message), hint);
}

/** Draws the bar, then lets the page draw itself: it gets its place and who is signed in. */
export async function page(draw) {
  const main = document.getElementById('main');
  try {
    const known = await me();
    bar(known);
    await draw(main, known);
    main.dataset.drawn = 'yes';
  } catch (error) {
    fill(main, el('h1', { class: 'unseen' }, document.title), trouble(error));
    main.dataset.drawn = 'trouble';
  }
}

/** Whether a role is at least another one. */
export const atLeast = (role, wanted) => {
  const order = ['viewer', 'operator', 'approver'];
  return order.indexOf(role) >= order.indexOf(wanted);
};
