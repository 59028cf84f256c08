// Judges reports with tools that are not ours, in one browser.
//
//   pages FOLDER...     report.html of each: an HTML validator finds no error; axe-core finds no violation, light and dark, wide
//                       and narrow; pictures and what names their colours agree; nothing runs, nothing is fetched; names stand in
//                       it letter by letter; it prints to two pages of A4 and of Letter. Leaves pictures in SOFTLANDING_TEST_OUT.
//   messages FOLDER...  report.slack.json: the vendor's types accept it, and refuse it with a mistake in it. report.teams.json:
//                       the vendor's renderer parses it without a complaint and shows the names letter by letter.
//
// A folder may hold names.json, the names that must be seen. Says `proved: ` and what, for each.

import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';

const { SOFTLANDING_TEST_NODE: shared, SOFTLANDING_TEST_REPORTS_NODE: own, SOFTLANDING_TEST_OUT: out } = process.env;
const fromShared = createRequire(path.join(shared, 'package.json'));
const fromOwn = createRequire(path.join(own, 'package.json'));
const { chromium } = fromShared('playwright-core');

const [what, ...folders] = process.argv.slice(2);
const faults = [];
const fault = (folder, words) => faults.push(`${path.basename(folder)}: ${words}`);
const text = (folder, name) => readFile(path.join(folder, name), 'utf8');
const names = async (folder) => JSON.parse(await text(folder, 'names.json').catch(() => '[]'));
/** As a reader sees it: runs of white space are one space. */
const seen = (words) => words.replace(/\s+/g, ' ');

const BROWSERS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const browser = await chromium.launch({ executablePath: BROWSERS.find(existsSync), chromiumSandbox: false });

async function validated(folder, html) {
    const { FileSystemConfigLoader, HtmlValidate } = fromOwn('html-validate');
    const rules = {
        extends: ['html-validate:recommended', 'html-validate:document'],
        // A title is as long as the name of a business unit.
        rules: { 'long-title': 'off' },
    };
    const validator = new HtmlValidate(new FileSystemConfigLoader([], { root: true, ...rules }));
    const report = await validator.validateString(html);
    for (const { messages } of report.results) {
        for (const { ruleId, message, line, column } of messages.slice(0, 10)) {
            fault(folder, `report.html:${line}:${column}: ${message} (${ruleId})`);
        }
    }
    for (const [right, wrong] of [['</h2>', '</h3>'], ['<h2', '<h2 style="color: red"'], ['scope="col"', 'scope="column"']]) {
        const broken = await validator.validateString(html.replace(right, wrong));
        if (broken.valid) fault(folder, `the validator does not see ${wrong}`);
    }
}

async function accessible(folder, page, look) {
    await page.addScriptTag({ content: await readFile(fromShared.resolve('axe-core/axe.min.js'), 'utf8') });
    const { violations, passes } = await page.evaluate(async () => {
        const { violations, passes } = await globalThis.axe.run(document, { resultTypes: ['violations'] });
        const nodes = (rule) => rule.nodes.slice(0, 3).map((node) => `${node.html} ${node.failureSummary}`);
        return { violations: violations.map((rule) => [rule.id, rule.help, nodes(rule)]), passes: passes.length };
    });
    for (const violation of violations) fault(folder, `${look}: axe-core: ${violation.flat().join(' | ')}`);
    if (passes < 15) fault(folder, `${look}: axe-core looked at ${passes} rules only`);
}

async function page(folder, { width, scheme }) {
    const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme: scheme });
    page.on('request', (request) => {
        if (!request.url().startsWith('file:') && !request.url().startsWith('data:')) fault(folder, `asks for ${request.url()}`);
    });
    for (const event of ['dialog', 'pageerror', 'console']) {
        page.on(event, (it) => fault(folder, `${event}: ${it.text?.() ?? it.message?.() ?? it}`));
    }
    await page.goto(`file://${path.join(folder, 'report.html')}`);
    return page;
}

/** What a picture fills looks like what names it. */
async function drawnAlike(folder, page, look) {
    const unlike = await page.evaluate(() => {
        const looks = (element) => (({ fill, fillOpacity }) => `${fill} ${fillOpacity}`)(getComputedStyle(element));
        const named = (kind) => document.querySelector(`#k-${kind} .c`);
        const areas = [...document.querySelectorAll('.area')].map((area) => [area, area.classList[1]]);
        const ground = [...document.querySelectorAll('.nobody')].map((area) => [area, 'unjudged']);
        return [...areas, ...ground].filter(([area, kind]) => looks(area) !== looks(named(kind))).map(([, kind]) => kind);
    });
    for (const kind of unlike) fault(folder, `${look}: ${kind} is drawn in one way and named in another`);
}

/** Pages of a PDF as Chromium writes them: each is an object that is not compressed. */
const leaves = (pdf) => (pdf.toString('latin1').match(/\/Type\s*\/Page\b/g) ?? []).length;

async function pages(folder) {
    const before = faults.length;
    const html = await text(folder, 'report.html');
    await validated(folder, html);
    // Every look of the first two, the ends of the others.
    const thorough = folders.indexOf(folder) < 2;
    const looks = [[1280, 'light'], [400, 'dark'], [1280, 'dark'], [400, 'light']].slice(0, thorough ? 4 : 2);
    for (const [width, scheme] of looks) {
        const look = `${width}-${scheme}`;
        const it = await page(folder, { width, scheme });
        const picture = path.join(out, `${path.basename(folder)}-${look}.png`);
        await it.screenshot({ path: picture, fullPage: true, clip: { x: 0, y: 0, width, height: 4000 } });
        const overflow = await it.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        if (overflow > 0) fault(folder, `${look}: the page is ${overflow} pixels too wide`);
        const words = seen(await it.evaluate(() => document.body.textContent));
        for (const name of await names(folder)) {
            if (!words.includes(seen(name))) fault(folder, `${look}: ${name} does not stand in the page`);
        }
        // Agents' stories are all alike: a few of them, opened, are enough to be looked at.
        await it.evaluate(() => {
            document.querySelectorAll('#stories-h ~ details:nth-of-type(n+11)').forEach((details) => details.remove());
            document.querySelectorAll('details').forEach((details) => { details.open = true; });
        });
        await drawnAlike(folder, it, look);
        await accessible(folder, it, look);
        if (await it.locator('script:not([src]), a, b, img, iframe').count() > 1) fault(folder, 'a name has become markup');
        await it.close();
    }
    const it = await page(folder, { width: 1280, scheme: 'dark' });
    for (const format of ['A4', 'Letter']) {
        const file = path.join(out, `${path.basename(folder)}-${format}.pdf`);
        const pdf = await it.pdf({ path: file, format });
        if (leaves(pdf) < 1 || leaves(pdf) > 2) fault(folder, `it prints to ${leaves(pdf)} pages of ${format}, see ${file}`);
    }
    await it.close();
    if (faults.length > before) return;
    console.log(`proved: ${path.basename(folder)}/report.html is valid, accessible, harmless, and prints to two pages`);
}

/** What the TypeScript compiler says of each message, as a value of the vendor's type. */
function typed(messages) {
    const ts = fromOwn('typescript');
    const sources = new Map(messages.map((message, at) => [path.join(own, `message-${at}.ts`), `
        import type { KnownBlock } from '@slack/types';
        interface Message { text: string; mrkdwn: false; unfurl_links: false; unfurl_media: false; blocks: KnownBlock[] }
        export const message: Message = ${message};`]));
    const options = { strict: true, noEmit: true, skipLibCheck: true, types: [], module: ts.ModuleKind.NodeNext,
        moduleResolution: ts.ModuleResolutionKind.NodeNext, target: ts.ScriptTarget.ES2022 };
    const host = ts.createCompilerHost(options);
    const { fileExists, readFile: read, getSourceFile } = host;
    host.fileExists = (name) => sources.has(name) || fileExists(name);
    host.readFile = (name) => sources.get(name) ?? read(name);
    host.getSourceFile = (name, version) =>
        sources.has(name) ? ts.createSourceFile(name, sources.get(name), version) : getSourceFile(name, version);
    const program = ts.createProgram([...sources.keys()], options, host);
    const all = ts.getPreEmitDiagnostics(program);
    const general = all.filter(({ file }) => !sources.has(file?.fileName));
    if (general.length > 0) throw new Error(ts.flattenDiagnosticMessageText(general[0].messageText, '\n'));
    return [...sources.keys()].map((name) => all.filter(({ file }) => file.fileName === name)
        .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n')));
}

async function slack() {
    const messages = await Promise.all(folders.map((folder) => text(folder, 'report.slack.json')));
    const mistakes = [['"plain_text"', '"plaintext"'], ['"emoji": false', '"emojis": false'], ['"fields"', '"feelds"']];
    const told = typed([...messages, ...mistakes.map(([right, wrong]) => messages[0].replace(right, wrong))]);
    folders.forEach((folder, at) => told[at].forEach((words) => fault(folder, `report.slack.json: ${words}`)));
    mistakes.forEach(([, wrong], at) => {
        if (told[folders.length + at].length === 0) fault('@slack/types', `${wrong} is not seen`);
    });
    for (const [at, folder] of folders.entries()) {
        const { blocks } = JSON.parse(messages[at]);
        const words = seen(blocks.map((block) => JSON.parse(JSON.stringify(block.text?.text ?? ''))).join('\n'));
        // What Slack reads as markup may stand in plain text only.
        const marked = JSON.stringify(blocks.filter(({ text }) => text?.type === 'mrkdwn'));
        for (const name of await names(folder)) {
            const sent = seen(name).replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
            if (!words.includes(sent)) fault(folder, `report.slack.json: ${name} does not stand in it`);
            if (marked.includes(JSON.stringify(sent).slice(1, -1))) fault(folder, `report.slack.json: ${name} is read as markup`);
        }
        console.log(`proved: ${path.basename(folder)}/report.slack.json is of the vendor's type`);
    }
}

async function teams() {
    const page = await browser.newPage({ viewport: { width: 640, height: 900 } });
    await page.addScriptTag({ content: await readFile(fromOwn.resolve('adaptivecards/dist/adaptivecards.min.js'), 'utf8') });
    const parse = (card) => page.evaluate((card) => {
        const { AdaptiveCard, HostConfig, SerializationContext } = globalThis.AdaptiveCards;
        const [context, it] = [new SerializationContext(), new AdaptiveCard()];
        it.hostConfig = new HostConfig({ fontFamily: 'system-ui', spacing: { padding: 12, default: 8, small: 3 } });
        it.parse(card, context);
        const told = Array.from({ length: context.eventCount }, (_, at) => context.getEventAt(at).message);
        told.push(...it.validateProperties().validationEvents.map(({ message }) => message));
        const element = it.render();
        document.body.replaceChildren(element);
        return { told, words: element.innerText, marked: element.querySelectorAll('a, strong, em, script, ul, ol').length };
    }, card);
    for (const folder of folders) {
        const card = JSON.parse(await text(folder, 'report.teams.json')).attachments[0].content;
        const { told, words, marked } = await parse(card);
        told.forEach((message) => fault(folder, `report.teams.json: ${message}`));
        if (marked > 0) fault(folder, 'report.teams.json: a name is read as markup');
        for (const name of await names(folder)) {
            if (!seen(words).includes(seen(name))) fault(folder, `report.teams.json: ${name} does not stand in the card`);
        }
        await page.screenshot({ path: path.join(out, `${path.basename(folder)}-teams.png`), fullPage: true });
        const wrong = await parse({ ...card, body: [{ ...card.body[0], style: 'splendid' }, { type: 'TextBox' }] });
        if (wrong.told.length < 2) fault(folder, 'the renderer does not see mistakes in a card');
        console.log(`proved: ${path.basename(folder)}/report.teams.json is shown by the vendor's renderer`);
    }
}

if (what === 'pages') {
    for (const folder of folders) await pages(folder);
} else {
    await slack();
    await teams();
}
await browser.close();
await writeFile(path.join(out, `${what}.txt`), faults.join('\n'));
faults.forEach((words) => console.error(words));
process.exit(faults.length === 0 ? 0 : 1);
