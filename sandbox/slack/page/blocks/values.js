// What an element holds: its field names, its first value, and the value a person gave it.

const SELECTS = {
  static: { one: "selected_option", many: "selected_options", first: "initial_option", firsts: "initial_options" },
  external: { one: "selected_option", many: "selected_options", first: "initial_option", firsts: "initial_options" },
  users: { one: "selected_user", many: "selected_users", first: "initial_user", firsts: "initial_users" },
  conversations: { one: "selected_conversation", many: "selected_conversations", first: "initial_conversation", firsts: "initial_conversations" },
  channels: { one: "selected_channel", many: "selected_channels", first: "initial_channel", firsts: "initial_channels" },
};

const SIMPLE = {
  plain_text_input: ["value", "initial_value"],
  email_text_input: ["value", "initial_value"],
  url_text_input: ["value", "initial_value"],
  number_input: ["value", "initial_value"],
  rich_text_input: ["rich_text_value", "initial_value"],
  datepicker: ["selected_date", "initial_date"],
  timepicker: ["selected_time", "initial_time"],
  datetimepicker: ["selected_date_time", "initial_date_time"],
  radio_buttons: ["selected_option", "initial_option"],
  checkboxes: ["selected_options", "initial_options"],
  file_input: ["files", null],
};

/** {source, many} of a select, or null for any other element. */
export function selectKind(type) {
  const match = /^(multi_)?(static|external|users|conversations|channels)_select$/.exec(type);
  return match ? { source: match[2], many: Boolean(match[1]) } : null;
}

/** [name of the value's field, name of the field with its first value] */
export function fieldsOf(type) {
  const kind = selectKind(type);
  if (!kind) return SIMPLE[type] ?? null;
  const names = SELECTS[kind.source];
  return kind.many ? [names.many, names.firsts] : [names.one, names.first];
}

const slot = (blockId, actionId) => `${blockId}\u0000${actionId}`;

export function currentValue(ctx, blockId, element) {
  const given = ctx.st.values.get(slot(blockId, element.action_id));
  if (given && given.type === element.type) return given[fieldsOf(element.type)[0]];
  return element[fieldsOf(element.type)[1]] ?? null;
}

export function setValue(ctx, blockId, element, value) {
  const [field] = fieldsOf(element.type);
  const stateValue = { type: element.type, [field]: value };
  ctx.st.values.set(slot(blockId, element.action_id), stateValue);
  return stateValue;
}

/** Every interactive element of a list of blocks, with the id of its block. */
export function* eachElement(blocks) {
  for (const block of blocks ?? []) {
    for (const element of [block.element, block.accessory, ...(block.elements ?? [])]) {
      if (element?.action_id) yield [block.block_id, element];
    }
    yield* eachElement(block.child_blocks);
  }
}

/** The values a person gave to what is still on this surface, in the form of Slack's state.values. */
export function givenValues(ctx) {
  const present = new Map();
  for (const [blockId, element] of eachElement(ctx.blocks)) present.set(slot(blockId, element.action_id), element.type);
  const values = {};
  for (const [key, value] of ctx.st.values) {
    if (present.get(key) !== value.type) continue;
    const [blockId, actionId] = key.split("\u0000");
    (values[blockId] ??= {})[actionId] = value;
  }
  return values;
}
