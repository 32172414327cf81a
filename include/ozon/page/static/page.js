// What HTML alone cannot do: filters that apply at once, and links that leave Airflow's frame.
"use strict";
(() => {
  document.querySelectorAll("form[data-auto] select").forEach((select) => {
    select.addEventListener("change", () => select.form.requestSubmit());
  });

  // Until the next view is there, this one is dimmed; the browser's "back" shows it again as it was.
  const busy = (is) => { document.querySelector("main")?.setAttribute("aria-busy", is); };
  addEventListener("beforeunload", () => busy(true));
  addEventListener("pageshow", () => busy(false));

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
