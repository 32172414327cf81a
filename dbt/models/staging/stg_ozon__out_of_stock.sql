select
    product_key,
    account,
    product_id,
    offer_id,
    name,
    price,
    currency_code,
    average_daily_sales,
    average_daily_sales * price as lost_per_day
from {{ ref('stg_ozon__products') }}
where is_visible and stock_available = 0
