// On paper the page is light whatever the screen is, and the chart is shown as a whole, not the part that fits a window.

const TALLEST_PRINTED = 4000; // px of the chart, some four pages; deeper rows are left out

function listenToPrinting(app) {
  const { scroller } = app.chart;
  let theme;

  function show(theme, height) {
    if (theme === undefined) delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    scroller.style.flex = height ? "none" : "";
    scroller.style.height = height;
    app.chart.resize();
    app.repaint();
    paintNow();
  }

  addEventListener("beforeprint", () => {
    ({ theme } = document.documentElement.dataset);
    app.tooltip.hide();
    show("light", `${Math.min(app.chart.contentHeight + 2, TALLEST_PRINTED)}px`);
  });
  addEventListener("afterprint", () => show(theme, ""));
}
