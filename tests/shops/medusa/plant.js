// Plants orders in a Medusa shop with its own module services: `medusa exec`, what there should be in SHOP_PLAN
// (JSON). Prints the number of each order by the name that the plan gives it, and what it made beside. Times cannot be
// given to the services, so what has an age is made older afterwards, by the ids that are printed here.
const fs = require("fs")

exports.default = async ({ container }) => {
  const plan = JSON.parse(fs.readFileSync(process.env.SHOP_PLAN, "utf-8"))
  const orders = container.resolve("order")
  const payments = container.resolve("payment")
  const fulfillments = container.resolve("fulfillment")
  const inventory = container.resolve("inventory")
  const locations = container.resolve("stock_location")
  const link = container.resolve("link")
  const made = { orders: {}, payments: {} }

  const location = await locations.createStockLocations({ name: "Warehouse" })

  const tried = (collection, given) => payments.createPaymentSession(collection.id, {
    provider_id: "pp_system_default", currency_code: given.currency, amount: given.total, data: {},
  })
  const paid = async (collection, given) => {
    const session = await tried(collection, given)
    const payment = await payments.authorizePaymentSession(session.id, {})
    for (const amount of given.captured) await payments.capturePayment({ payment_id: payment.id, amount })
    for (const amount of given.refunded) await payments.refundPayment({ payment_id: payment.id, amount })
    return payment.id
  }

  for (const given of plan.orders) {
    const [order] = await orders.createOrders([{
      currency_code: given.currency,
      email: given.mail,
      customer_id: given.customer,
      locale: given.locale,
      items: given.lines.map(([sku, quantity, price]) => ({
        title: `Article ${sku}`, variant_sku: sku, quantity, unit_price: price, requires_shipping: given.shipped_goods,
      })),
      shipping_address: { first_name: "A", address_1: given.address, postal_code: given.postcode, country_code: "be",
        phone: given.phone },
      shipping_methods: given.shipping ? [{ name: "Parcel", amount: given.shipping }] : [],
    }])
    const one = { id: order.id, number: order.display_id, fulfillments: [], returns: [] }
    made.orders[given.name] = one
    const collection = await payments.createPaymentCollections({ currency_code: given.currency, amount: given.total })
    await link.create({ order: { order_id: order.id }, payment: { payment_collection_id: collection.id } })
    for (let failed = 0; failed < given.failed; failed++) {
      const session = await tried(collection, given)
      await payments.updatePaymentSession({
        id: session.id, currency_code: given.currency, amount: given.total, data: {}, status: "error",
      })
    }
    if (given.captured.length) await paid(collection, given)
    for (const when of given.fulfilled) {
      const fulfillment = await fulfillments.createFulfillment({
        location_id: location.id, provider_id: "manual_manual", delivery_address: {}, labels: [], order: {},
        items: [{ title: "x", sku: "x", quantity: 1, barcode: "x" }],
      })
      await link.create({ order: { order_id: order.id }, fulfillment: { fulfillment_id: fulfillment.id } })
      if (when) await fulfillments.updateFulfillment(fulfillment.id, { [when]: new Date() })
      one.fulfillments.push(fulfillment.id)
    }
    for (const asked of given.returns) {
      const wanted = await orders.createReturns({ order_id: order.id, items: [] })
      await orders.updateReturns([{ id: wanted.id, status: asked.status, requested_at: new Date() }])
      const [item] = (await orders.retrieveOrder(order.id, { relations: ["items"] })).items
      await orders.createReturnItems([{ return_id: wanted.id, item_id: item.id, quantity: 1, note: asked.note }])
      one.returns.push(wanted.id)
    }
    if (given.cancelled) await orders.cancel(order.id)
  }

  for (const given of plan.lost) { // captured, and the cart never became an order
    const collection = await payments.createPaymentCollections({ currency_code: given.currency, amount: given.total })
    made.payments[given.name] = await paid(collection, given)
  }

  for (const { sku, there, promised, backorder, left } of plan.articles) {
    const item = await inventory.createInventoryItems({ sku })
    await inventory.createInventoryLevels([{ inventory_item_id: item.id, location_id: location.id, stocked_quantity: there }])
    if (promised) {
      await inventory.createReservationItems([{
        inventory_item_id: item.id, location_id: location.id, quantity: promised, allow_backorder: backorder,
      }])
    }
    if (left !== there) { // counted, and found fewer
      await inventory.updateInventoryLevels([
        { inventory_item_id: item.id, location_id: location.id, stocked_quantity: left },
      ])
    }
  }
  fs.writeFileSync(process.env.SHOP_MADE, JSON.stringify(made))
}
