// Draws a list of Block Kit blocks.
import { h } from "../dom.js";
import { card, carousel, chart, plan, task } from "./extras.js";
import { actions, alert, container, context, divider, file, header, image, input, markdownBlock, section, unsupported } from "./layout.js";
import { richText } from "./rich_text.js";
import { dataTable, table } from "./table.js";

const RENDERERS = {
  section, header, divider, context, actions, image, file, input, container, alert,
  context_actions: actions, rich_text: richText, table, data_table: dataTable, markdown: markdownBlock,
  data_visualization: chart, card, carousel, task_card: task, plan,
};

export function renderBlock(block, ctx) {
  const render = Object.hasOwn(RENDERERS, block.type) ? RENDERERS[block.type] : unsupported;
  return h("div.block", { class: `block-${block.type}`, dataset: { block: block.block_id ?? "" } }, render(block, ctx));
}

export const renderBlocks = (blocks, ctx) => (blocks ?? []).map((block) => renderBlock(block, ctx));
