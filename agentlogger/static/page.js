// What scripts add to every page. Each module looks for its own places, and does nothing where there
// are none; without any of them the page works by links and forms.

import { brushable } from "./brush.js";
import { copies } from "./copy.js";
import { follows } from "./follow.js";
import { folds } from "./folds.js";
import { loadFragments } from "./fragments.js";
import { listens } from "./keys.js";
import { remembers } from "./rows.js";
import { showTimes, switches } from "./times.js";

showTimes(document);
switches();
// Before the keys, of which Escape is one.
folds();
listens();
copies();
remembers();
follows();
loadFragments((section) => {
  showTimes(section);
  brushable(section);
});
brushable(document);
