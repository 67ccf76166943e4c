
"use strict";
// Draws the page from the JSON block. All text goes in by textContent, so that none of it is ever read as markup.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);

  function make(name, attributes = {}, ...children) {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  }

  // A part is plain words, or [kind, text]: "public" text of others, else a tone.
  function drawPart(part) {
    if (typeof part === "string") return part;
    const [kind, text] = part;
    return kind === "public" ? make("code", {}, text) : make("span", { class: kind }, text);
  }

  const drawCell = (cell) => cell.map(drawPart);

  // A table that shows some rows at a time; drawRow(index) gives the children of each of its cells.
  function pagedTable(title, columns, pageRows, drawRow) {
    const body = make("tbody");
    const heads = columns.map(([name, isNumber]) =>
      make("th", isNumber ? { scope: "col", class: "number" } : { scope: "col" }, name));
    const table = make("table", { "aria-label": title }, make("thead", {}, make("tr", {}, ...heads)), body);
    const scroll = make("div", { class: "scroll", role: "region", "aria-label": title, tabindex: "0" }, table);
    const previous = make("button", { type: "button" }, "Previous");
    const next = make("button", { type: "button" }, "Next");
    const where = make("span", { "aria-live": "polite" });
    const pages = make("div", { class: "pages" }, previous, next, where);
    let n = 0;
    let first = 0;

    function draw() {
      const last = Math.min(first + pageRows, n);
      const rows = [];
      for (let at = first; at < last; at += 1) {
        const cells = drawRow(at).map((children, column) =>
          make("td", { class: classOf(columns[column][1], children) }, ...children));
        rows.push(make("tr", {}, ...cells));
      }
      body.replaceChildren(...rows);
      previous.disabled = first === 0;
      next.disabled = last === n;
      pages.hidden = n <= pageRows;
      pages.style.display = pages.hidden ? "none" : "";
      where.textContent = n ? `Rows ${format(first + 1)} to ${format(last)} of ${format(n)}` : "";
    }

    previous.addEventListener("click", () => { first -= pageRows; draw(); });
    next.addEventListener("click", () => { first += pageRows; draw(); });
    const show = (count) => { n = count; first = 0; draw(); };
    return { elements: [scroll, pages], show };
  }

  // Public text may be one long word: its cells may break it anywhere, and others may not.
  function classOf(isNumber, children) {
    if (isNumber) return "number";
    return children.some((child) => child.matches?.("code, bdi, :has(code)")) ? "public" : "words";
  }

  const format = (number) => number.toLocaleString("en-US");

  function drawSection(section) {
    const content = [];
    if (section.rows.length) {
      const draw = (at) => section.rows[at].map(drawCell);
      const table = pagedTable(section.title || "The two sides", section.columns, 12, draw);
      table.show(section.rows.length);
      content.push(...table.elements);
    } else if (section.ifEmpty) {
      content.push(make("p", {}, section.ifEmpty));
    }
    content.push(...section.notes.map((note) => make("p", { class: "notes" }, ...drawCell(note))));
    const attributes = { id: section.key };
    const heading = section.title ? [make(section.isOpen ? "h2" : "summary", {}, section.title)] : [];
    return make(section.isOpen ? "section" : "details", attributes, ...heading, make("div", {}, ...content));
  }

  function drawVerdict({ tone, headline, detail, summary }) {
    return make("header", { class: `verdict ${tone}`, id: "verdict" }, make("h1", {}, headline),
      ...[detail, summary].filter((cell) => cell.length).map((cell) => make("p", {}, ...drawCell(cell))));
  }

  function drawChanges(changes) {
    const { projects, tags, causes, rows } = changes;
    const lowerTags = tags.map((tag) => tag.toLowerCase());
    const lowerProjects = projects.map(([id, title]) => `${id}\n${title}`.toLowerCase());
    const columns = [["project", false], ["text", false], ["label", false], ["cause", false]];
    let found = rows;

    const table = pagedTable("Label changes", columns, 25, (at) => {
      const [project, tag, isAdded, cause] = found[at];
      const [id, text] = projects[project];
      const sign = make("span", { class: isAdded ? "good" : "bad" }, isAdded ? "+ " : "- ");
      const label = [sign, make("code", {}, tags[tag])];
      return [[make("code", {}, id)], [make("bdi", {}, text)], label, [causes[cause] ?? ""]];
    });
    const tag = make("input", { type: "search", id: "filter-tag", list: "tags", autocomplete: "off" });
    const list = make("datalist", { id: "tags" }, ...[...tags].sort().map((name) => make("option", { value: name })));
    const cause = make("select", { id: "filter-cause" }, make("option", { value: "" }, "all"),
      ...causes.map((name, at) => make("option", { value: String(at) }, name)));
    const project = make("input", { type: "search", id: "filter-project", autocomplete: "off" });
    const counted = make("p", { class: "count", id: "n-changes", "aria-live": "polite" });

    function filter() {
      const wantedTag = tag.value.trim().toLowerCase();
      const wantedProject = project.value.trim().toLowerCase();
      const isTag = lowerTags.map((name) => name.includes(wantedTag));
      const isProject = lowerProjects.map((text) => text.includes(wantedProject));
      const wantedCause = cause.value === "" ? null : Number(cause.value);
      found = rows.filter((row) =>
        isProject[row[0]] && isTag[row[1]] && (wantedCause === null || row[3] === wantedCause));
      const page = changes.isCut ? ` in this page, which has the first of ${changes.n}; the Parquet file has all` : "";
      counted.textContent = `${format(found.length)} of ${format(rows.length)} label changes${page}`;
      table.show(found.length);
    }

    for (const control of [tag, cause, project]) control.addEventListener("input", filter);
    filter();
    return make("section", { class: "changes", id: "changes" }, make("h2", {}, "Label changes"),
      make("div", { class: "filters" },
        make("label", { for: "filter-tag" }, "Tag", tag),
        make("label", { for: "filter-cause" }, "Cause", cause),
        make("label", { for: "filter-project" }, "Project (id or text)", project)),
      list, counted, ...table.elements);
  }

  const open = data.sections.filter((section) => section.isOpen).map(drawSection);
  const folded = data.sections.filter((section) => !section.isOpen).map(drawSection);
  document.getElementById("page").append(drawVerdict(data.verdict), make("div", { class: "open" }, ...open),
    ...folded, ...(data.changes.rows.length ? [drawChanges(data.changes)] : []));
})();
