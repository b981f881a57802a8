'use strict';
(() => {
  const form = document.getElementById('search');
  const text = document.getElementById('search-text');
  const engine = document.getElementById('search-engine');
  const status = document.getElementById('search-status');
  const said = document.getElementById('search-said');
  const items = Array.from(document.querySelectorAll('[data-item]'));
  const apply = () => {
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const shown = { failure: 0, file: 0 };
    const all = { failure: 0, file: 0 };
    for (const item of items) {
      const kind = item.dataset.item;
      const content = item.textContent.toLowerCase();
      const fits = words.every((word) => content.includes(word))
        && (kind !== 'failure' || engine.value === '' || item.dataset.engines.split(' ').includes(engine.value))
        && (kind !== 'failure' || status.value === '' || item.dataset.status === status.value);
      item.hidden = !fits;
      all[kind] += 1;
      shown[kind] += fits ? 1 : 0;
    }
    said.textContent = `${shown.failure} of ${all.failure} failures, ${shown.file} of ${all.file} files`;
  };
  form.hidden = false;
  form.addEventListener('input', apply);
  form.addEventListener('submit', (event) => event.preventDefault());
  form.addEventListener('reset', () => setTimeout(apply));
  apply();
  const value = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.value === undefined ? cell.textContent : Number(cell.dataset.value);
  };
  for (const table of document.querySelectorAll('table[data-sort]')) {
    const heads = Array.from(table.tHead.rows[0].cells);
    heads.forEach((head, column) => {
      const button = document.createElement('button');
      button.type = 'button';
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener('click', () => {
        const up = head.getAttribute('aria-sort') !== 'ascending';
        heads.forEach((other) => other.removeAttribute('aria-sort'));
        head.setAttribute('aria-sort', up ? 'ascending' : 'descending');
        const rows = Array.from(table.tBodies[0].rows);
        rows.sort((a, b) => {
          const [x, y] = [value(a, column), value(b, column)];
          const order = typeof x === 'number' && typeof y === 'number' ? x - y : String(x).localeCompare(String(y));
          return up ? order : -order;
        });
        table.tBodies[0].append(...rows);
      });
    });
  }
})();
