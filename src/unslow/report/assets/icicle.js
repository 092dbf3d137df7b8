// A click on a name shows it at full width, and what is below it with it; on what encloses it, the way back.
(() => {
  "use strict";
  const LETTER = 6.7;
  for (const drawing of document.querySelectorAll("svg.icicle")) {
    const width = drawing.viewBox.baseVal.width;
    const frames = [...drawing.querySelectorAll("g")].map((group) => {
      const [title, bar, text] = ["title", "rect", "text"].map((name) => group.querySelector(name));
      const [x, wide] = ["x", "width"].map((name) => Number(bar.getAttribute(name)));
      return { group, bar, text, x, wide, name: title.textContent.split("\n")[0] };
    });

    function show(chosen) {
      const scale = width / chosen.wide;
      for (const frame of frames) {
        const from = Math.max(0, (frame.x - chosen.x) * scale);
        const to = Math.min(width, (frame.x + frame.wide - chosen.x) * scale);
        frame.group.classList.toggle("far", to - from < 0.3);
        frame.group.classList.toggle("above", frame.wide > chosen.wide + 0.01 && to - from >= width - 0.5);
        if (to - from < 0.3) continue;
        frame.bar.setAttribute("x", from);
        frame.bar.setAttribute("width", to - from);
        frame.text.setAttribute("x", from + 4);
        const letters = Math.floor((to - from - 6) / LETTER);
        const short = frame.name.length > letters ? `${frame.name.slice(0, letters - 1)}…` : frame.name;
        frame.text.textContent = letters < 3 ? "" : short;
      }
    }

    for (const frame of frames) frame.group.addEventListener("click", () => show(frame));
  }
})();
