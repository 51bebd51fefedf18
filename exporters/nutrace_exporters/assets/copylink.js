// "Copy link": a link to exactly what one sees, into the clipboard, or as text where that is not allowed.

const LINK_NOTES = {
  file: "This page is a file: the link works wherever the file lies at the same path. To show it to somebody else, send the file, and what follows # with it.",
  inside: "This page is inside another one, and has no address of its own. Save it as a file (nutrace flamegraph), open that, and put this after its address.",
};

function linkTo(app) {
  app.address.write("replace");
  return isInside() ? app.address.text : location.href.split("#")[0] + app.address.text;
}

// In a notebook, the page is the text of an iframe.
function isInside() {
  return !["http:", "https:", "file:"].includes(location.protocol);
}

async function copyLink(app) {
  const link = linkTo(app);
  const button = document.getElementById("copy-link");
  try {
    await navigator.clipboard.writeText(link);
  } catch {
    return showLink(link);
  }
  app.say("Link copied");
  button.textContent = "Copied";
  setTimeout(() => (button.textContent = "Copy link"), 2000);
}

function showLink(link) {
  const field = document.getElementById("link-field");
  const note = isInside() ? LINK_NOTES.inside : location.protocol === "file:" ? LINK_NOTES.file : "";
  document.getElementById("link-note").textContent = note;
  document.getElementById("link").showModal();
  field.value = link;
  field.select();
}
