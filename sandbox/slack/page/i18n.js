// The page's own words. What the app says comes from the app; this is only the frame around it.
import { me } from "./state.js";

const WORDS = {
  en: {
    channels: "Channels", directMessages: "Direct messages", apps: "Apps", skip: "Skip to the messages",
    today: "Today", yesterday: "Yesterday", tomorrow: "Tomorrow", justNow: "just now",
    edited: "(edited)", app: "APP", onlyYou: "Only visible to you", dismiss: "Dismiss message",
    replies: { one: "{n} reply", other: "{n} replies" }, lastReply: "Last reply {ago}", viewThread: "View thread",
    thread: "Thread", closeThread: "Close thread", newMessages: "New", jumpNew: "New messages",
    messageTo: "Message {to}", reply: "Reply…", send: "Send now", attach: "Attach files", remove: "Remove {name}",
    members: { one: "{n} member", other: "{n} members" }, archived: "This channel is archived.", readOnly: "Sending messages to this app has been turned off.",
    addReaction: "Add reaction…", replyInThread: "Reply in thread", moreActions: "More actions", pinNote: "Mark with 📌",
    copyLink: "Copy link", copied: "Link copied", editMessage: "Edit message", save: "Save", cancel: "Cancel",
    openMenu: "Open the channel list", closeMenu: "Close the channel list", sidebar: "Channels and people",
    people: "Who you are", youAre: "You are {name}", switchTo: "See the workspace as {name}, {title}",
    phones: "Lock screens", phoneOf: "{name}'s lock screen", phoneEmpty: "Nothing rang here.", closePhone: "Close the lock screens",
    rang: { one: "{n} ring", other: "{n} rings" }, dndUntil: "Do Not Disturb until {time}", silent: "without a sound",
    why_direct: "direct message", why_mention: "mention", why_group: "group mention", why_thread: "thread reply",
    offline: "Connection lost. Trying again…", appAway: "{app} is not connected.",
    guide: "What to try", home: "Home", messages: "Messages", about: "About", commandsTitle: "Commands", shortcutsTitle: "Shortcuts",
    homeEmpty: "{app} has not published a Home tab for you yet.", aboutApp: "An app of the workspace {team}.",
    emptyChannel: "This is the very beginning of {name}.", emptyApp: "This is your conversation with {name}.",
    close: "Close", back: "Back", closeAll: "Close all", loading: "Loading…", sending: "Sending…",
    required: "Please complete this required field.", optional: "(optional)", tooShort: "Please write at least {n} characters.",
    tooLong: "Please write at most {n} characters.", notNumber: "Please enter a number.", notWhole: "Please enter a whole number.",
    tooSmall: "Please enter at least {n}.", tooBig: "Please enter at most {n}.", notEmail: "Please enter a valid e-mail address.",
    notUrl: "Please enter a valid link.", submitFailed: "We had some trouble connecting. Try again?",
    choose: "Choose an option", chooseUser: "Choose a person", chooseChannel: "Choose a channel", chooseDate: "Select a date", chooseTime: "Select a time",
    search: "Search", noResults: "No results", typeMore: "Type at least {n} characters", suggestFailed: "The options could not be loaded.",
    previousMonth: "Previous month", nextMonth: "Next month", addFiles: "Choose files",
    noAck: "{app} did not respond. The click was not carried out.", actionFailed: "This did not work: {error}",
    commandFailed: "{command} failed with the error \"{error}\"", commandUnknown: "{command} is not a valid command. In Slack, all messages that start with the \"/\" character are interpreted as slash commands. If you are trying to send a message and not run a command, try preceding the \"/\" with an empty space.",
    commandInThread: "{command} is not supported in threads. Sorry!", slackbot: "Slackbot", sayFailed: "The message was not sent: {error}",
    commands: "Commands", mentionList: "People and groups", here: "Notify everyone online in this channel", channelMention: "Notify everyone in this channel", groupMention: "User group",
    download: "Download", preview: "Preview", fileFailed: "The file could not be loaded.",
    moreOptions: "More options", unsupported: "This part of the message ({type}) cannot be shown here.",
    rowsOf: "{from}–{to} of {n}", previousPage: "Previous page", nextPage: "Next page", sortBy: "Sort by {name}", filterRows: "Filter the rows",
    reactedWith: "{names} reacted with {emoji}", emojiPicker: "Choose an emoji", you: "you", and: " and ", privateChannel: "private channel",
    deletedMessage: "This message was deleted.", messageActions: "Actions for this message", ring: "{name}'s phone", unreadMentions: { one: "{n} mention", other: "{n} mentions" }, unread: "unread",
    errorBoot: "The sandbox does not answer.", retry: "Try again", showMore: "Show more", showLess: "Show less",
  },
  "zh-Hant": {
    channels: "頻道", directMessages: "私訊", apps: "應用程式", skip: "跳到訊息",
    today: "今天", yesterday: "昨天", tomorrow: "明天", justNow: "剛剛",
    edited: "（已編輯）", app: "應用程式", onlyYou: "僅限您檢視", dismiss: "關閉訊息",
    replies: { other: "{n} 則回覆" }, lastReply: "上次回覆：{ago}", viewThread: "檢視討論串",
    thread: "討論串", closeThread: "關閉討論串", newMessages: "新訊息", jumpNew: "新訊息",
    messageTo: "傳訊息給 {to}", reply: "回覆…", send: "立即傳送", attach: "附加檔案", remove: "移除 {name}",
    members: { other: "{n} 位成員" }, archived: "此頻道已封存。", readOnly: "無法傳送訊息給此應用程式。",
    addReaction: "新增表情回應…", replyInThread: "在討論串回覆", moreActions: "更多動作", pinNote: "標上 📌",
    copyLink: "複製連結", copied: "已複製連結", editMessage: "編輯訊息", save: "儲存", cancel: "取消",
    openMenu: "開啟頻道清單", closeMenu: "關閉頻道清單", sidebar: "頻道與成員",
    people: "目前身分", youAre: "您是 {name}", switchTo: "以 {name}（{title}）的身分檢視",
    phones: "鎖定畫面", phoneOf: "{name} 的鎖定畫面", phoneEmpty: "這裡沒有響過。", closePhone: "關閉鎖定畫面",
    rang: { other: "響了 {n} 次" }, dndUntil: "勿擾模式到 {time}", silent: "沒有聲音",
    why_direct: "私訊", why_mention: "提及您", why_group: "提及群組", why_thread: "討論串回覆",
    offline: "連線中斷，正在重新連線…", appAway: "{app} 沒有連線。",
    guide: "可以試試", home: "首頁", messages: "訊息", about: "關於", commandsTitle: "指令", shortcutsTitle: "捷徑",
    homeEmpty: "{app} 尚未為您發布首頁。", aboutApp: "工作區「{team}」的應用程式。",
    emptyChannel: "這是 {name} 的開頭。", emptyApp: "這是您與 {name} 的對話。",
    close: "關閉", back: "返回", closeAll: "全部關閉", loading: "載入中…", sending: "傳送中…",
    required: "此欄位必填。", optional: "（選填）", tooShort: "請至少輸入 {n} 個字。",
    tooLong: "最多 {n} 個字。", notNumber: "請輸入數字。", notWhole: "請輸入整數。",
    tooSmall: "不可小於 {n}。", tooBig: "不可大於 {n}。", notEmail: "請輸入有效的電子郵件。",
    notUrl: "請輸入有效的連結。", submitFailed: "連線出了問題，要再試一次嗎？",
    choose: "選擇一個選項", chooseUser: "選擇一位成員", chooseChannel: "選擇一個頻道", chooseDate: "選擇日期", chooseTime: "選擇時間",
    search: "搜尋", noResults: "沒有結果", typeMore: "請至少輸入 {n} 個字", suggestFailed: "無法載入選項。",
    previousMonth: "上個月", nextMonth: "下個月", addFiles: "選擇檔案",
    noAck: "{app} 沒有回應，這次按下沒有生效。", actionFailed: "沒有成功：{error}",
    commandFailed: "{command} 執行失敗，錯誤為「{error}」", commandUnknown: "{command} 不是有效的指令。在 Slack 中，凡以「/」開頭的訊息都會視為斜線指令。若您想傳送訊息而非執行指令，請在「/」前加一個空格。",
    commandInThread: "討論串不支援 {command}，抱歉！", slackbot: "Slackbot", sayFailed: "訊息沒有送出：{error}",
    commands: "指令", mentionList: "成員與群組", here: "通知此頻道所有在線成員", channelMention: "通知此頻道所有成員", groupMention: "使用者群組",
    download: "下載", preview: "預覽", fileFailed: "無法載入檔案。",
    moreOptions: "更多選項", unsupported: "此處無法顯示訊息的這個部分（{type}）。",
    rowsOf: "第 {from}–{to} 列，共 {n} 列", previousPage: "上一頁", nextPage: "下一頁", sortBy: "依「{name}」排序", filterRows: "篩選列",
    reactedWith: "{names} 以 {emoji} 回應", emojiPicker: "選擇表情符號", you: "您", and: "、", privateChannel: "私人頻道",
    deletedMessage: "此訊息已刪除。", messageActions: "此訊息的動作", ring: "{name} 的手機", unreadMentions: { other: "{n} 則提及" }, unread: "未讀",
    errorBoot: "沙盒沒有回應。", retry: "再試一次", showMore: "顯示更多", showLess: "顯示較少",
  },
};

export const languageOf = (tag) => (/^zh/i.test(tag ?? "") ? "zh-Hant" : "en");
export const language = () => languageOf(me()?.locale ?? navigator.language);
export const locale = () => (language() === "en" ? "en-US" : "zh-TW");

/** t("replies", {n: 3}): a text with a count takes the plural form of `n`. */
export function t(key, values = {}) {
  let text = WORDS[language()][key] ?? WORDS.en[key] ?? key;
  if (typeof text === "object") {
    text = text[new Intl.PluralRules(locale()).select(values.n)] ?? text.other;
  }
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

// What the people of the workspace do, as a reader of Chinese says it; other titles stay as they are.
const TITLES_ZH = {
  "On-call engineer": "值班工程師", "Deputy on-call, approver": "副值班、核准人", "Customer-service lead": "客服主管",
  Manager: "經理", Marketing: "行銷", Outsider: "外部人員",
};

/** A person's title in the reader's language. */
export function titleOf(person) {
  const title = person.title || person.real_name || "";
  return language() === "zh-Hant" ? TITLES_ZH[title] ?? title : title;
}

/** A text given in both languages ({en, "zh-Hant"}), or a plain one. */
export const pick = (text) => (typeof text === "string" ? text : text?.[language()] ?? text?.en ?? "");
