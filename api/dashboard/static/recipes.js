// The recipes of full trainings in a form: which one is asked for, with how many steps, and what is foretold of that.

const WAIT_MS = 300; // until somebody has stopped typing

/** Steps of the recipe that is chosen, as it has them itself. */
const ownSteps = (form) => form.querySelector(`[value="${CSS.escape(form.elements.recipe.value)}"]`).dataset.steps;

/**
 * Have a form ask for a recipe: another recipe brings its own steps, and whatever is asked for is foretold.
 *
 * `foretell(recipe, isCurrent)` gives the words; they are shown where nothing else was asked for meanwhile. What comes
 * back are `recipe()`, as a request for a training has it, and `tell()`, which foretells anew.
 */
export function makeRecipes(form, foretell) {
  const { steps } = form.elements;
  const told = form.querySelector("[data-forecast]");
  let timer = null;
  let turn = 0;

  const recipe = () => {
    const name = form.elements.recipe.value;
    return steps.value === ownSteps(form) ? name : { name, steps: steps.valueAsNumber };
  };
  const tell = async () => {
    const own = ++turn;
    const isCurrent = () => own === turn;
    let words = "";
    try {
      if (form.checkValidity()) words = await foretell(recipe(), isCurrent);
    } catch (refused) {
      words = refused.words ?? refused.message;
    }
    if (isCurrent()) told.textContent = words;
  };
  form.addEventListener("input", ({ target }) => {
    if (target.name === "recipe") steps.value = ownSteps(form);
    clearTimeout(timer);
    timer = setTimeout(tell, WAIT_MS);
  });
  return { recipe, tell };
}

/** What a request calls a recipe, in words. */
export const wordsOf = (recipe) =>
  typeof recipe === "string" ? recipe : `${recipe.name} with ${recipe.steps.toLocaleString("en-US")} steps`;
