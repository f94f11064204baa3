// Emoji by their Slack names. A name that is not here stays text, as in Slack.

const NAMES = `
grinning 😀 smile 😄 laughing 😆 joy 😂 slightly_smiling_face 🙂 wink 😉 blush 😊 heart_eyes 😍 thinking_face 🤔
neutral_face 😐 sweat_smile 😅 sob 😭 cry 😢 angry 😠 scream 😱 sleeping 😴 sunglasses 😎 tada 🎉 eyes 👀 fire 🔥
+1 👍 thumbsup 👍 -1 👎 thumbsdown 👎 clap 👏 pray 🙏 wave 👋 ok_hand 👌 muscle 💪 raised_hands 🙌 point_up ☝️ point_right 👉 point_left 👈 point_down 👇 raising_hand 🙋 handshake 🤝
heart ❤️ broken_heart 💔 star ⭐ sparkles ✨ zap ⚡ boom 💥 100 💯 rocket 🚀
white_check_mark ✅ heavy_check_mark ✔️ ballot_box_with_check ☑️ x ❌ negative_squared_cross_mark ❎ question ❓ grey_question ❔ exclamation ❗ grey_exclamation ❕ warning ⚠️ no_entry ⛔ no_entry_sign 🚫 rotating_light 🚨 bangbang ‼️
hourglass ⌛ hourglass_flowing_sand ⏳ watch ⌚ alarm_clock ⏰ stopwatch ⏱️ timer_clock ⏲️ clock1 🕐 clock3 🕒 clock6 🕕 clock9 🕘 calendar 📆 date 📅
black_right_pointing_triangle_with_double_vertical_bar ⏯️ arrow_forward ▶️ arrow_backward ◀️ fast_forward ⏩ next_track_button ⏭️ black_right_pointing_double_triangle_with_vertical_bar ⏭️ rewind ⏪ double_vertical_bar ⏸️ black_square_for_stop ⏹️ arrow_up ⬆️ arrow_down ⬇️ arrow_right ➡️ arrow_left ⬅️ arrows_counterclockwise 🔄 leftwards_arrow_with_hook ↩️ repeat 🔁
red_circle 🔴 large_orange_circle 🟠 large_yellow_circle 🟡 large_green_circle 🟢 large_blue_circle 🔵 large_purple_circle 🟣 white_circle ⚪ black_circle ⚫ large_red_square 🟥 large_yellow_square 🟨 large_green_square 🟩
pushpin 📌 round_pushpin 📍 paperclip 📎 memo 📝 pencil 📝 pencil2 ✏️ clipboard 📋 page_facing_up 📄 page_with_curl 📃 file_folder 📁 open_file_folder 📂 card_index_dividers 🗂️ bookmark 🔖 link 🔗 lock 🔒 unlock 🔓 key 🔑 mag 🔍 bulb 💡 wrench 🔧 hammer 🔨 gear ⚙️ hammer_and_wrench 🛠️ shield 🛡️ package 📦 truck 🚚 credit_card 💳 moneybag 💰 money_with_wings 💸 receipt 🧾 shopping_trolley 🛒 gift 🎁 email 📧 envelope ✉️ incoming_envelope 📨 telephone_receiver 📞 phone ☎️ iphone 📱 computer 💻 desktop_computer 🖥️ bell 🔔 no_bell 🔕 loudspeaker 📢 mega 📣 speech_balloon 💬 chart_with_upwards_trend 📈 chart_with_downwards_trend 📉 bar_chart 📊 robot_face 🤖 bug 🐛 ghost 👻 see_no_evil 🙈 coffee ☕ beers 🍻 cake 🍰 sunny ☀️ cloud ☁️ umbrella ☔ snowflake ❄️ moon 🌙 rainbow 🌈 taiwan 🇹🇼 flag-tw 🇹🇼 jp 🇯🇵 us 🇺🇸
one 1️⃣ two 2️⃣ three 3️⃣ four 4️⃣ five 5️⃣ six 6️⃣ seven 7️⃣ eight 8️⃣ nine 9️⃣ keycap_ten 🔟 zero 0️⃣ hash #️⃣ information_source ℹ️ heavy_plus_sign ➕ heavy_minus_sign ➖ soon 🔜 new 🆕 sos 🆘 ok 🆗 checkered_flag 🏁 triangular_flag_on_post 🚩 ambulance 🚑 fire_engine 🚒 house 🏠 department_store 🏬 factory 🏭 construction 🚧 busts_in_silhouette 👥 bust_in_silhouette 👤 office_worker 🧑‍💼 technologist 🧑‍💻
`.trim().split(/\s+/);

const BY_NAME = new Map();
for (let i = 0; i < NAMES.length; i += 2) BY_NAME.set(NAMES[i], NAMES[i + 1]);

export const emojiChar = (name) => BY_NAME.get(name.split("::")[0]) ?? null;

/** An emoji of a rich_text element or a reaction: its character, by name or by code points. */
export function emojiOf(name, unicode) {
  if (unicode) {
    try {
      return String.fromCodePoint(...unicode.split("-").map((part) => parseInt(part, 16)));
    } catch {
      // Fall through to the name.
    }
  }
  return emojiChar(name) ?? `:${name}:`;
}

export const PICKER = [
  "pushpin", "white_check_mark", "eyes", "+1", "-1", "raised_hands", "pray", "tada", "heart", "fire", "rotating_light", "warning",
  "question", "x", "hourglass_flowing_sand", "memo", "bulb", "mag", "package", "credit_card", "telephone_receiver", "joy", "thinking_face", "sob",
];

/** The pieces of a text with its :names: as emoji characters. */
export function withEmoji(text) {
  return text.replace(/:([a-z0-9_+'-]+(?:::skin-tone-[2-6])?):/g, (whole, name) => emojiChar(name) ?? whole);
}
