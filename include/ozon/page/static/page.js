// What HTML alone cannot do: filters that apply at once, and links that leave Airflow's frame.
"use strict";
(() => {
  document.querySelectorAll("form[data-auto] select").forEach((select) => {
    select.addEventListener("change", () => select.form.requestSubmit());
  });

  // Airflow's frame opens no new tab, so the surrounding page, which has the same origin, follows the link.
  if (parent !== window) {
    document.addEventListener("click", (event) => {
      const link = event.target.closest("a[target=_blank]");
      if (!link) return;
      event.preventDefault();
      const outside = parent.document.createElement("a");
      Object.assign(outside, { href: link.href, target: "_blank", rel: "noopener" });
      outside.click();
    });
  }
})();
