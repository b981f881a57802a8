// Opens the page of HTML in headless Chromium: `scripts/page` runs it.
//
//   node page.mjs PAGE CHROMIUM FOLDER
//
// In light and dark, at a phone's width and without script: the page is all that is loaded, nothing
// is said on the console, no dialog opens, no markup comes from a name, nothing scrolls sideways.
// With script: the search hides what does not match, and the keyboard opens a failure. The code of a
// function is folded, with script and without. The page has at most 3 MB. Screenshots are left
// beside the page.
import { statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [page, executablePath, folder] = process.argv.slice(2).map((path) => resolve(path));
// Node looks for the package beside the files of FOLDER, where the script has put it.
const { chromium } = createRequire(join(folder, "x.js"))("playwright-core");

const VIEWS = [
    { name: "light", width: 1200, colorScheme: "light", javaScriptEnabled: true },
    { name: "dark", width: 1200, colorScheme: "dark", javaScriptEnabled: true },
    { name: "phone", width: 380, colorScheme: "light", javaScriptEnabled: true },
    { name: "without-script", width: 1200, colorScheme: "light", javaScriptEnabled: false },
];
const QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync"];

const PAGE_BYTES_MAX = 3_000_000;
const failures = [];
const check = (view, what, is, shown) => {
    if (!is) failures.push(`${view}: ${what}: ${JSON.stringify(shown)}`);
};

// The failures and files that are not hidden, and their texts.
const shown = (tab) => tab.evaluate(() => {
    const all = [...document.querySelectorAll("[data-item=failure], #files ~ .wide tbody tr")];
    return all.filter((it) => !it.hidden).map((it) => it.textContent);
});

async function look(browser, { name, width, ...options }) {
    const context = await browser.newContext({ viewport: { width, height: 800 }, ...options });
    const tab = await context.newPage();
    const loaded = [], said = [];
    tab.on("request", (request) => loaded.push(request.url()));
    tab.on("console", (message) => said.push(message.text()));
    tab.on("pageerror", (error) => said.push(error.message));
    tab.on("dialog", (dialog) => { said.push(`dialog ${dialog.message()}`); dialog.dismiss(); });
    await tab.goto(pathToFileURL(page).href);
    check(name, "more than the page is loaded", loaded.length === 1, loaded);
    const markup = await tab.locator("img, iframe, b").count();
    check(name, "markup out of names", markup === 0, markup);
    const tables = await tab.getByRole("table").count();
    check(name, "tables", tables >= 4, tables);
    const lines = await tab.getByRole("img", { name: /: from \d+ of \d+ on / }).count();
    check(name, "lines over time", lines >= 2, lines);
    await code(tab, name);
    if (options.javaScriptEnabled) {
        const room = await tab.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        check(name, "it scrolls to the side by pixels", room <= 0, room);
        const broken = (error) => check(name, "it cannot be used", false, error.message);
        await use(tab, name).catch(broken);
    }
    check(name, "said on the console", said.length === 0, said);
    await tab.screenshot({ path: join(dirname(page), `${name}.png`) });
    await context.close();
}

// Opens the code of a function: source, IR and assembly are there, and not shown before.
async function code(tab, name) {
    const folded = tab.locator("details.code").first();
    const stages = folded.locator("h3");
    const names = await stages.allTextContents();
    check(name, "stages of a function", names.join() === "source,IR,A64", names);
    if (names.length === 0) return;
    check(name, "code is shown unasked", !(await stages.first().isVisible()), names);
    await tab.locator("[data-item=failure]:has(details.code) > summary").first().click();
    await folded.locator("summary").click();
    check(name, "code is not shown", await stages.last().isVisible(), names);
    await tab.locator("[data-item=failure]:has(details.code) > summary").first().click();
}

// Uses the search and the keyboard.
async function use(tab, name) {
    const all = await shown(tab);
    const search = tab.getByRole("searchbox").or(tab.getByRole("textbox")).first();
    await search.fill("vector");
    await tab.waitForTimeout(500);
    const some = await shown(tab);
    check(name, "the search hides nothing", some.length < all.length, [some.length, all.length]);
    const other = some.filter((text) => !text.includes("vector"));
    check(name, "the search leaves what does not match", other.length === 0, other);
    await search.fill("");
    await tab.waitForTimeout(500);
    check(name, "not all comes back", (await shown(tab)).length === all.length, all.length);
    let opened = false;
    for (let presses = 0; presses < 60 && !opened; presses += 1) {
        await tab.keyboard.press("Tab");
        if (await tab.evaluate(() => document.activeElement.tagName === "SUMMARY")) {
            await tab.keyboard.press("Enter");
            opened = await tab.evaluate(() => document.activeElement.parentElement.open);
        }
    }
    check(name, "the keyboard opens no failure", opened, opened);
}

const { size } = statSync(page);
check("page", "its bytes", size <= PAGE_BYTES_MAX, size);
const browser = await chromium.launch({ executablePath, args: QUIET });
for (const view of VIEWS) await look(browser, view);
const seen = `${size} bytes, ${VIEWS.length} views, ${failures.length} failures`;
console.log(`${browser.browserType().name()} ${browser.version()}: ${seen}`);
await browser.close();
failures.forEach((failure) => console.error(failure));
process.exitCode = failures.length === 0 ? 0 : 1;
