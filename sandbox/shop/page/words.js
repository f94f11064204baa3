// Everything that a person reads on the shop's pages, in both languages.

const en = {
  subtitle: "Demo shop · break it here, watch the thread in Slack",
  now: "Now",
  orders_a_minute: "Orders in the last minute",
  paid: "paid",
  unpaid: "not paid",
  chart: (placed, paid) => `Last 10 minutes: ${placed} orders, ${paid} of them paid`,
  cards_go_through: "Cards go through",
  orders_taken_by: "Orders are taken by",
  nobody: "nobody",
  since: (time) => `since ${time}`,
  as_usual: "as usual",
  server_down: "The server with the traffic is down",
  standby_takes: "The standby has the traffic",
  offline: "The shop does not answer. Trying again…",
  faults: "Break something",
  faults_hint: "A switch works at once. Switching it off mends what it broke.",
  recover_all: "Mend everything",
  parts: "Channels and servers",
  latest: "Latest orders",
  log: "What was changed in the shop",
  log_hint: "Every request that may change something, newest first. A repeat of the same request has no second effect.",
  log_empty: "Nothing has been changed yet.",
  effect: "done",
  no_effect: "no change",
  replayed: "repeat, answered again",
  refused: (status) => `refused (${status})`,
  time_and_rate: "Time and customers",
  time_hint: "Moving the clock makes what should happen until then happen now: parcels, orders, answers.",
  plus_5m: "+5 min",
  plus_1h: "+1 hour",
  plus_1d: "+1 day",
  rate: "Orders a minute",
  burst: "12 orders now",
  burst_done: (made) => `${made.captured} of ${made.placed} orders paid.`,
  mended: "Everything is mended.",
  switched_off: (name) => `Mended: ${name}`,
  switched_on: (name) => `Broken: ${name}`,
  last_5_minutes: (stats) => `${stats.failed} of ${stats.attempts} failed in 5 min` + (stats.unanswered ? `, ${stats.unanswered} without an answer` : ""),
  no_payments: "no payments in 5 min",
  status: { ok: "works", degraded: "has trouble", down: "down", running: "running", stopped: "stopped", unhealthy: "not healthy", failed: "did not come up" },
  server: { primary: "Primary server", standby: "Standby server" },
  server_short: { primary: "Primary", standby: "Standby" },
  has_traffic: "has the traffic",
  order_status: { awaiting_payment: "not paid", paid: "paid", dispatched: "sent", delivered: "delivered", completed: "completed", cancelled: "cancelled", refunded: "refunded" },
  payment: { "3ds_timeout": "3-D Secure timed out", card_declined: "card declined", channel_unreachable: "channel unreachable", unknown: "no answer" },
  option: { channel: "Channel", seconds: "Seconds", orders: "Orders", count: "Orders", hours: "Hours", status: "State", over: "Paid too much", under: "Paid too little", unanswered: "No answer", charged: "of these charged", target: "What", from: "From", to: "To", server: "Server" },
  choice: { northpay: "Northpay", harborpay: "Harborpay", paid: "paid", dispatched: "sent", delivered: "delivered", awaiting_payment: "not paid", primary: "Primary server", standby: "Standby server" },
  pay_title: "Pay your order",
  pay_order: (number) => `Order ${number}`,
  pay_now: "Pay by card",
  pay_done: "Thank you. Your order is paid.",
  pay_failed: "The payment did not go through. You were not charged; please try again.",
  pay_unknown: "We are checking with the payment partner. Please do not pay again.",
  pay_closed: "Nothing has to be paid any more.",
  pay_missing: "This link is not known.",
};

const zh = {
  subtitle: "示範商店 · 在這裡製造故障，到 Slack 看討論串",
  now: "目前狀況",
  orders_a_minute: "近 1 分鐘訂單",
  paid: "已付款",
  unpaid: "未付款",
  chart: (placed, paid) => `近 10 分鐘：${placed} 筆訂單，${paid} 筆已付款`,
  cards_go_through: "刷卡付款走",
  orders_taken_by: "接單主機",
  nobody: "無",
  since: (time) => `${time} 起`,
  as_usual: "與平時相同",
  server_down: "承接流量的主機已停擺",
  standby_takes: "流量由備援主機承接",
  offline: "商店沒有回應，重試中…",
  faults: "製造故障",
  faults_hint: "開關立即生效；關掉就會修復。",
  recover_all: "全部修復",
  parts: "金流與主機",
  latest: "最新訂單",
  log: "商店的變更紀錄",
  log_hint: "所有可能造成變更的請求，最新的在上。同一請求重送不會有第二次效果。",
  log_empty: "尚無任何變更。",
  effect: "已執行",
  no_effect: "無變更",
  replayed: "重送，回覆相同結果",
  refused: (status) => `已拒絕（${status}）`,
  time_and_rate: "時間與顧客",
  time_hint: "撥快時鐘後，這段期間應發生的事會立刻發生：出貨、新訂單、廠商回覆。",
  plus_5m: "+5 分鐘",
  plus_1h: "+1 小時",
  plus_1d: "+1 天",
  rate: "每分鐘訂單",
  burst: "立即下 12 筆訂單",
  burst_done: (made) => `${made.placed} 筆訂單中 ${made.captured} 筆付款成功。`,
  mended: "已全部修復。",
  switched_off: (name) => `已修復：${name}`,
  switched_on: (name) => `已製造故障：${name}`,
  last_5_minutes: (stats) => `近 5 分鐘 ${stats.attempts} 筆失敗 ${stats.failed} 筆` + (stats.unanswered ? `，${stats.unanswered} 筆未回覆` : ""),
  no_payments: "近 5 分鐘沒有付款",
  status: { ok: "正常", degraded: "異常", down: "停擺", running: "運作中", stopped: "未啟動", unhealthy: "不健康", failed: "啟動失敗" },
  server: { primary: "主要主機", standby: "備援主機" },
  server_short: { primary: "主要主機", standby: "備援主機" },
  has_traffic: "承接流量",
  order_status: { awaiting_payment: "未付款", paid: "已付款", dispatched: "已出貨", delivered: "已送達", completed: "已完成", cancelled: "已取消", refunded: "已退款" },
  payment: { "3ds_timeout": "3D 驗證逾時", card_declined: "銀行拒絕", channel_unreachable: "金流無法連線", unknown: "未回覆" },
  option: { channel: "金流", seconds: "秒數", orders: "筆數", count: "筆數", hours: "小時", status: "狀態", over: "多付", under: "少付", unanswered: "未回覆", charged: "其中已扣款", target: "對象", from: "從", to: "變成", server: "主機" },
  choice: { northpay: "Northpay", harborpay: "Harborpay", paid: "已付款", dispatched: "已出貨", delivered: "已送達", awaiting_payment: "未付款", primary: "主要主機", standby: "備援主機" },
  pay_title: "訂單付款",
  pay_order: (number) => `訂單 ${number}`,
  pay_now: "刷卡付款",
  pay_done: "謝謝您，訂單已完成付款。",
  pay_failed: "付款沒有成功，也沒有扣款，請再試一次。",
  pay_unknown: "正在向金流查證，請先不要重複付款。",
  pay_closed: "此訂單已不需付款。",
  pay_missing: "找不到這個付款連結。",
};

const ALL = { en, "zh-Hant": zh };

export function language() {
  const asked = new URLSearchParams(location.search).get("lang") ?? localStorage.getItem("language");
  if (asked in ALL) return asked;
  return navigator.language.startsWith("zh") ? "zh-Hant" : "en";
}

export function words() {
  return ALL[language()];
}

export function setLanguage(name) {
  localStorage.setItem("language", name);
  const url = new URL(location.href);
  url.searchParams.delete("lang");
  history.replaceState(null, "", url);
}

// Puts the words of the chosen language wherever the page names one.
export function label() {
  const found = words();
  document.documentElement.lang = language();
  for (const element of document.querySelectorAll("[data-word]")) {
    element.textContent = found[element.dataset.word];
  }
}

export function money(minor) {
  return "NT$" + (minor / 100).toLocaleString("en-US");
}
